//! What else used the processors while a session was held.

use super::placement::Site;

/// More than this part of the time of a processor is a disturbance.
const BEARABLE: f64 = 0.05;

/// A look at the processors of a session.
#[derive(Debug)]
pub(super) struct Watch;

/// What others used meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Noise {
    /// Of the processors' time, the part that other processes of this machine used.
    pub foreign: f64,
    /// The part that the hypervisor gave to other machines.
    pub stolen: f64,
}

impl Watch {
    pub fn begin(_site: &Site) -> Watch {
        Watch
    }

    pub fn end(self) -> Noise {
        Noise::default()
    }
}

impl Noise {
    /// The part of the processors' time that was lost to the session.
    pub fn share(&self) -> f64 {
        self.foreign + self.stolen
    }

    /// What disturbed, if anything did.
    pub fn cause(&self) -> Option<String> {
        let percent = |part: f64| format!("{:.0} %", part * 100.0);
        match (self.share() > BEARABLE, self.foreign > self.stolen) {
            (false, _) => None,
            (true, true) => Some(format!("other processes used {} of the processors", percent(self.foreign))),
            (true, false) => Some(format!("the hypervisor gave {} of the time to others", percent(self.stolen))),
        }
    }
}
