//! The tasks of a run that wait for a worker.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::checks::{CONVERSATIONS, Check, LONG_CHECK_IDS};

/// Checks that one worker runs one after another, each with its place in the list of all.
pub(super) type Task = Vec<(usize, &'static Check)>;

/// The tasks that no worker has taken yet.
pub(super) type Queue = Mutex<VecDeque<Task>>;

/// Returns the queue of `checks`, where the checks of one conversation are one task if `in_conversations`. One worker
/// runs the tasks in the order of `checks`; several begin with the longest.
pub(super) fn queue(checks: &[&'static Check], jobs: usize, in_conversations: bool) -> Queue {
    let mut tasks: Vec<Task> = Vec::new();
    for item in checks.iter().copied().enumerate() {
        let conversation = conversation_of(item.1).filter(|_| in_conversations);
        let begun = tasks.iter_mut().find(|task| conversation.is_some_and(|ids| ids.contains(&task[0].1.id)));
        match begun {
            Some(task) => task.push(item),
            None => tasks.push(vec![item]),
        }
    }
    for task in &mut tasks {
        let ids = conversation_of(task[0].1).unwrap_or_default();
        task.sort_by_key(|(_, check)| ids.iter().position(|&id| id == check.id));
    }
    if jobs > 1 {
        tasks.sort_by_key(|task| task.iter().map(|(_, check)| rank(check)).min());
    }
    Mutex::new(tasks.into())
}

/// Returns the checks of the conversation that `check` is part of.
fn conversation_of(check: &Check) -> Option<&'static [&'static str]> {
    CONVERSATIONS.iter().copied().find(|ids| ids.contains(&check.id))
}

/// Returns the place of `check` among the longest checks.
fn rank(check: &Check) -> usize {
    LONG_CHECK_IDS.iter().position(|&long| long == check.id).unwrap_or(LONG_CHECK_IDS.len())
}
