use std::path::PathBuf;

/// What a scan found: how many files went in, how many did not, and why.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ScanReport {
    /// Files with a sound's extension, or rows of the manifest.
    pub found: usize,
    /// Files that became examples.
    pub used: usize,
    /// Files that did not, each with its reason; paths are relative to the root.
    pub skipped: Vec<(PathBuf, String)>,
    /// Of the used: those no longer than an example, padded with silence.
    pub padded: usize,
    /// Of the used: those longer than an example, cut with a fade.
    pub cut: usize,
    /// One entry per class, in the order of `Dataset::classes`.
    pub classes: Vec<ClassReport>,
    /// Source groups that near-duplicate sounds joined to another one.
    pub joined_groups: usize,
    /// What a reader should know about this folder, one sentence each.
    pub notes: Vec<String>,
}

/// The numbers of one class.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ClassReport {
    /// The class.
    pub name: String,
    /// Examples to train on.
    pub train: usize,
    /// Examples held out.
    pub held_out: usize,
    /// Distinct sources, in both parts together.
    pub groups: usize,
}
