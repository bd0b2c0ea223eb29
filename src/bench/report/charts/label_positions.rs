//! Positions of the names at the ends of lines, without overlap.

/// Adjacent labels of a chart that would overlap. They are placed as a group around the mean of their wanted
/// positions.
struct Cluster {
    members: usize,
    /// The sum of the positions at which each label of a cluster would put the cluster's first label.
    sum: f64,
}

impl Cluster {
    fn top(&self) -> f64 {
        self.sum / self.members as f64
    }
}

/// Returns vertical positions for the labels of a chart, as near as possible to those `wanted`, from top to bottom:
/// in the same order, at least `pitch` apart, between 0 and `height`.
pub(super) fn spread_labels(wanted: &[f64], pitch: f64, height: f64) -> Vec<f64> {
    let most = (wanted.len().max(2) - 1) as f64;
    let pitch = pitch.min(height / most);
    let mut clusters: Vec<Cluster> = Vec::new();
    for &position in wanted {
        let mut last = Cluster { members: 1, sum: position };
        while let Some(above) =
            clusters.pop_if(|above| above.top() + above.members as f64 * pitch > last.top())
        {
            let shift = above.members as f64 * pitch * last.members as f64;
            last = Cluster { members: above.members + last.members, sum: above.sum + last.sum - shift };
        }
        clusters.push(last);
    }
    let spread = clusters
        .iter()
        .flat_map(|cluster| (0..cluster.members).map(|member| cluster.top() + member as f64 * pitch));
    within(spread.collect(), pitch, height)
}

/// Moves labels that are below the end of a chart up, and labels that are then above its beginning down.
fn within(mut positions: Vec<f64>, pitch: f64, height: f64) -> Vec<f64> {
    let mut floor = height;
    for position in positions.iter_mut().rev() {
        *position = position.min(floor);
        floor = *position - pitch;
    }
    let mut ceiling = 0.0;
    for position in &mut positions {
        *position = position.max(ceiling);
        ceiling = *position + pitch;
    }
    positions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moves_only_overlapping_labels() {
        assert_eq!(spread_labels(&[10.0, 100.0, 104.0], 14.0, 300.0), [10.0, 95.0, 109.0]);
        assert_eq!(spread_labels(&[0.0, 0.0], 14.0, 300.0), [0.0, 14.0]);
    }

    proptest! {
        #[test]
        fn labels_never_overlap_nor_leave_the_chart(mut wanted in prop::collection::vec(0.0..300.0, 0..21)) {
            wanted.sort_by(f64::total_cmp);
            let positions = spread_labels(&wanted, 14.0, 300.0);
            prop_assert!(positions.windows(2).all(|pair| pair[1] - pair[0] > 13.99), "{positions:?}");
            prop_assert!(positions.iter().all(|position| (-0.01..=300.01).contains(position)), "{positions:?}");
        }
    }
}
