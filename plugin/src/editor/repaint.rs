//! [`Repaint`]: how the audio thread tells the window that a playhead moved.

use nice_plug_egui::RepaintNotifier;

/// The audio thread's end. Wait-free: it sets a flag that the window looks at some sixty times a second.
#[derive(Default)]
pub struct Repaint {
    notifier: RepaintNotifier,
    was_sounding: bool,
}

impl Repaint {
    /// The window's end.
    pub fn notifier(&self) -> RepaintNotifier {
        self.notifier.clone()
    }

    /// A block was played. The first silent one counts too: the playhead goes.
    pub fn after_block(&mut self, is_sounding: bool) {
        self.notifier.request_repaint_with(is_sounding || self.was_sounding);
        self.was_sounding = is_sounding;
    }
}
