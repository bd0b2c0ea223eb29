//! Names at the ends of lines, moved apart where the lines end close together.

/// Labels that touch each other, and stand as one around the middle of where they want to be.
struct Pile {
    members: usize,
    /// The sum of where each would have the pile's first label.
    wishes: f64,
}

impl Pile {
    fn top(&self) -> f64 {
        self.wishes / self.members as f64
    }
}

/// Where labels stand that want to be at `wanted`, from top to bottom: in the same order, `pitch` or more apart, between
/// 0 and `height`, and as near as can be.
pub(super) fn apart(wanted: &[f64], pitch: f64, height: f64) -> Vec<f64> {
    let most = (wanted.len().max(2) - 1) as f64;
    let pitch = pitch.min(height / most);
    let mut piles: Vec<Pile> = Vec::new();
    for &place in wanted {
        let mut last = Pile { members: 1, wishes: place };
        while let Some(above) = piles.pop_if(|above| above.top() + above.members as f64 * pitch > last.top())
        {
            let shift = above.members as f64 * pitch * last.members as f64;
            last = Pile { members: above.members + last.members, wishes: above.wishes + last.wishes - shift };
        }
        piles.push(last);
    }
    let heaped =
        piles.iter().flat_map(|pile| (0..pile.members).map(|member| pile.top() + member as f64 * pitch));
    within(heaped.collect(), pitch, height)
}

/// What sticks out below is moved up, and what then sticks out above, down.
fn within(mut places: Vec<f64>, pitch: f64, height: f64) -> Vec<f64> {
    let mut floor = height;
    for place in places.iter_mut().rev() {
        *place = place.min(floor);
        floor = *place - pitch;
    }
    let mut ceiling = 0.0;
    for place in &mut places {
        *place = place.max(ceiling);
        ceiling = *place + pitch;
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whoever_has_room_stays_and_the_others_move_as_little_as_they_must() {
        assert_eq!(apart(&[10.0, 100.0, 104.0], 14.0, 300.0), [10.0, 95.0, 109.0]);
        assert_eq!(apart(&[0.0, 0.0], 14.0, 300.0), [0.0, 14.0]);
    }

    proptest! {
        #[test]
        fn labels_never_overlap_nor_leave_the_chart(mut wanted in prop::collection::vec(0.0..300.0, 0..21)) {
            wanted.sort_by(f64::total_cmp);
            let places = apart(&wanted, 14.0, 300.0);
            prop_assert!(places.windows(2).all(|pair| pair[1] - pair[0] > 13.99), "{places:?}");
            prop_assert!(places.iter().all(|place| (-0.01..=300.01).contains(place)), "{places:?}");
        }
    }
}
