//! [`PatchField`]: the sounds as a field that nice-plug stores in the host's project.

use std::sync::Arc;

use nice_plug::params::persist::PersistentField;
use serde_json::Value;

use super::loading;
use super::patch::Patch;
use crate::generation::Mailbox;

/// Saves the finished sounds and hands what the host loads to the worker: a state load activates nothing.
#[derive(Debug, Clone)]
pub struct PatchField(pub Arc<Mailbox>);

impl Default for PatchField {
    fn default() -> Self {
        Self(Arc::new(Mailbox::new(Patch::built_in())))
    }
}

impl PersistentField<'_, Value> for PatchField {
    fn set(&self, new_value: Value) {
        loading::end();
        self.0.load(new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Value) -> R,
    {
        f(&self.0.saved())
    }
}
