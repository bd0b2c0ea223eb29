//! The JSON format of an inspection.

use serde::Serialize;

use super::inspect::{DescriptorHolder, InspectedDescriptor, InspectedProcess, Inspection};
use crate::sys::{AccessMode, Object};

/// The JSON form of an [`Inspection`] of processes and their descriptors.
#[derive(Debug, Serialize)]
pub struct JsonInspection {
    processes: Vec<JsonProcess>,
    /// The number of other processes whose descriptors this user may not see.
    hidden: usize,
}

#[derive(Debug, Serialize)]
struct JsonProcess {
    pid: i32,
    program: String,
    condition: String,
    /// The descriptors of an inspected process, or `null` if this user may not see them.
    descriptors: Option<Vec<JsonDescriptor>>,
}

#[derive(Debug, Serialize)]
struct JsonDescriptor {
    number: i32,
    kind: &'static str,
    object: String,
    access: Option<&'static str>,
    detail: String,
    /// The other end of a descriptor's object in words, or `null` if the object has none.
    other_end: Option<String>,
    /// The descriptors that hold the other end of a pipe or connection.
    others: Vec<JsonHolder>,
    /// The other descriptors that hold the same end of a pipe or connection.
    sharers: Vec<JsonHolder>,
}

#[derive(Debug, Serialize)]
struct JsonHolder {
    pid: i32,
    program: String,
    number: i32,
}

impl From<&Inspection> for JsonInspection {
    fn from(inspection: &Inspection) -> JsonInspection {
        let descriptors = |of: &InspectedProcess| {
            let descriptors = of.descriptors.as_ref()?.iter();
            Some(descriptors.map(|it| descriptor(inspection, it)).collect())
        };
        let process = |process: &InspectedProcess| JsonProcess {
            pid: process.pid.as_raw(),
            program: process.program.clone(),
            condition: process.state.to_string(),
            descriptors: descriptors(process),
        };
        JsonInspection {
            processes: inspection.processes.iter().map(process).collect(),
            hidden: inspection.hidden,
        }
    }
}

fn descriptor(inspection: &Inspection, descriptor: &InspectedDescriptor) -> JsonDescriptor {
    let end = &descriptor.end;
    JsonDescriptor {
        number: end.number,
        kind: kind(&end.object),
        object: end.object.to_string(),
        access: end.access.map(access),
        detail: end.detail.clone(),
        other_end: inspection.describe_other_end(descriptor),
        others: descriptor.peers.iter().map(holder).collect(),
        sharers: descriptor.sharers.iter().map(holder).collect(),
    }
}

fn holder(holder: &DescriptorHolder) -> JsonHolder {
    JsonHolder { pid: holder.pid.as_raw(), program: holder.program.clone(), number: holder.number }
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
