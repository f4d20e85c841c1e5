//! [`Trigger`]: when a switch that a host may automate means "now".

/// Edges that follow the last press by less than this are bounces of a hardware button, in seconds.
const DEBOUNCE_S: f64 = 0.05;

/// Fires where the switch goes on. For the audio thread.
#[derive(Debug, Clone)]
pub struct Trigger {
    was_on: bool,
    /// Since it last fired.
    elapsed_s: f64,
}

impl Default for Trigger {
    fn default() -> Self {
        Self { was_on: false, elapsed_s: f64::INFINITY }
    }
}

impl Trigger {
    /// Whether the switch, now `is_on`, was pressed; then `block_s` seconds pass. A switch that a project has set
    /// (`was_loaded`) was not.
    pub fn fires(&mut self, is_on: bool, was_loaded: bool, block_s: f64) -> bool {
        let is_edge = is_on && !self.was_on && !was_loaded;
        let fires = is_edge && self.elapsed_s >= DEBOUNCE_S;
        self.elapsed_s = if fires { block_s } else { self.elapsed_s + block_s };
        self.was_on = is_on;
        fires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presses(states: &[bool], block_s: f64) -> Vec<usize> {
        let mut trigger = Trigger::default();
        (0..states.len()).filter(|&i| trigger.fires(states[i], false, block_s)).collect()
    }

    #[test]
    fn it_fires_once_however_long_it_is_held() {
        assert_eq!(presses(&[false, true, true, true, false, false, true], 1.0), [1, 6]);
    }

    #[test]
    fn a_switch_that_a_project_left_on_fires_when_it_goes_on_again() {
        let mut trigger = Trigger::default();
        let fires = [(true, true), (true, false), (false, false), (true, false)]
            .map(|(is_on, was_loaded)| trigger.fires(is_on, was_loaded, 1.0));
        assert_eq!(fires, [false, false, false, true]);
    }

    #[test]
    fn a_bouncing_button_fires_once() {
        // 10 ms a block: the second press follows after 20 ms, the third after 60 ms.
        assert_eq!(presses(&[true, false, true, false, false, false, true], 0.01), [0, 6]);
    }
}
