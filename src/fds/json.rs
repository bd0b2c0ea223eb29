//! What was seen, for programs.

use serde::Serialize;

use super::{Held, Holder, Subject, View};
use crate::sys::{AccessMode, Object};

/// A [`View`] as it is written in JSON.
#[derive(Debug, Serialize)]
pub struct Data {
    processes: Vec<ProcessData>,
    /// Processes that this user may not look into.
    hidden: usize,
}

#[derive(Debug, Serialize)]
struct ProcessData {
    pid: i32,
    program: String,
    condition: String,
    /// Null where this user may not see them.
    descriptors: Option<Vec<DescriptorData>>,
}

#[derive(Debug, Serialize)]
struct DescriptorData {
    number: i32,
    kind: &'static str,
    object: String,
    access: Option<&'static str>,
    detail: String,
    /// The sentence about the other end; null for what has none.
    other_end: Option<String>,
    others: Vec<HolderData>,
    sharers: Vec<HolderData>,
}

#[derive(Debug, Serialize)]
struct HolderData {
    pid: i32,
    program: String,
    number: i32,
}

impl From<&View> for Data {
    fn from(view: &View) -> Data {
        let process = |subject: &Subject| ProcessData {
            pid: subject.pid.as_raw(),
            program: subject.program.clone(),
            condition: subject.state.to_string(),
            descriptors: subject
                .held
                .as_ref()
                .map(|held| held.iter().map(|held| descriptor(view, held)).collect()),
        };
        Data { processes: view.subjects.iter().map(process).collect(), hidden: view.hidden }
    }
}

fn descriptor(view: &View, held: &Held) -> DescriptorData {
    let sentence = view.other_end(held);
    DescriptorData {
        number: held.end.number,
        kind: kind(&held.end.object),
        object: held.end.object.to_string(),
        access: held.end.access.map(access),
        detail: held.end.detail.clone(),
        other_end: sentence.map(|text| text.trim_start_matches("other end: ").to_owned()),
        others: held.others.iter().map(holder).collect(),
        sharers: held.sharers.iter().map(holder).collect(),
    }
}

fn holder(holder: &Holder) -> HolderData {
    HolderData { pid: holder.pid.as_raw(), program: holder.program.clone(), number: holder.number }
}

fn kind(object: &Object) -> &'static str {
    match object {
        Object::Pipe { .. } => "pipe",
        Object::Socket(_) => "socket",
        Object::Terminal(_) => "terminal",
        Object::File(_) => "file",
        Object::Other(_) => "other",
    }
}

fn access(access: AccessMode) -> &'static str {
    match access {
        AccessMode::ReadOnly => "read",
        AccessMode::WriteOnly => "write",
        AccessMode::ReadWrite => "read and write",
    }
}
