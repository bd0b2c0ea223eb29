//! Assigns the lines beside a column of boxes to lanes, so that no two lines run into each other.

/// Returns a lane for the vertical line of each object in a diagram, given the span of rows that the line covers.
/// Spans that overlap get different lanes. A short span gets a lane nearer to the boxes than a longer span around it,
/// so that their lines do not cross. Lane 0 is the nearest.
pub(super) fn assign_lanes(spans: &[(usize, usize)]) -> Vec<usize> {
    let mut by_length: Vec<usize> = (0..spans.len()).collect();
    by_length.sort_by_key(|&index| (spans[index].1 - spans[index].0, spans[index].0));
    let mut lanes = vec![0; spans.len()];
    let mut occupied: Vec<Vec<(usize, usize)>> = Vec::new();
    for index in by_length {
        let span = spans[index];
        let apart =
            |lane: &Vec<(usize, usize)>| lane.iter().all(|other| other.1 < span.0 || span.1 < other.0);
        // Outside of every shorter span that it overlaps.
        let first = occupied.iter().rposition(|lane| !apart(lane)).map_or(0, |lane| lane + 1);
        if first == occupied.len() {
            occupied.push(Vec::new());
        }
        occupied[first].push(span);
        lanes[index] = first;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::assign_lanes;

    #[test]
    fn spans_that_follow_each_other_share_a_lane() {
        assert_eq!(assign_lanes(&[(0, 4), (5, 9)]), [0, 0]);
    }

    #[test]
    fn a_span_runs_outside_of_those_it_surrounds() {
        assert_eq!(assign_lanes(&[(1, 9), (0, 4), (5, 9)]), [1, 0, 0]);
    }

    #[test]
    fn spans_that_overlap_run_apart() {
        assert_eq!(assign_lanes(&[(0, 5), (3, 8)]), [0, 1]);
    }
}
