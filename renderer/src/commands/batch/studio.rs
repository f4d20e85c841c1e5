//! [`Studio`]: from a manifest's clips to clips that are ready to be made, with the models open that they need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use brownian_core::generate::{FileRecipe, Finish, Session};
use serde_json::Value;

use super::Args;
use super::arguments::Arguments;
use super::group::{Fields, Group};
use super::template::{Clip, Template};
use crate::commands::render::plan::{Job, check_origin, model_name, order};
use crate::commands::render::target::Target;
use crate::config::Settings;
use crate::models;

/// A clip that can be made.
pub struct Unit {
    /// What to make, and its file.
    pub job: Job,
    /// How it becomes a file.
    pub finish: Finish,
    /// The model, open.
    pub session: Arc<Session>,
    /// The file, seen from the batch's folder.
    pub name: PathBuf,
    /// Of the manifest, from 1.
    pub line: u64,
}

/// Models that are open, each once, and what else all clips share.
pub struct Studio<'a> {
    args: &'a Args,
    settings: &'a Settings,
    arguments: Arguments,
    sessions: BTreeMap<String, Arc<Session>>,
}

impl<'a> Studio<'a> {
    /// No model is open yet.
    pub fn new(args: &'a Args, settings: &'a Settings) -> Self {
        Self { args, settings, arguments: Arguments::default(), sessions: BTreeMap::new() }
    }

    /// Settle what a clip means: the group's clip of this number, which is the manifest's clip `index`.
    ///
    /// # Errors
    /// Whatever `render` would refuse, or a name that cannot be.
    pub fn unit(&mut self, group: &Group, number: u64, index: u64) -> Result<Unit> {
        let mut fields = group.clip(number);
        let name = take_name(&mut fields)?;
        let args = self.arguments.parse(&fields)?;
        let from = args.from.as_deref().map(FileRecipe::read).transpose()?;
        let session = self.session(model_name(&args, from.as_ref())?)?;
        check_origin(&args, from.as_ref(), &session)?;
        let target = Target::Folder(self.args.out.clone());
        let (request, finish) = order(&args, self.settings, from.as_ref(), &target, &session)?;
        let recipe = session.resolve(&request)?;
        let template = match name.as_ref().or(self.args.name.as_ref()) {
            Some(text) => Template::new(text)?,
            None => Template::usual(group.varied(), recipe.class.is_some()),
        };
        let path = template.path(&Clip { recipe: &recipe, fields: &fields, index, line: group.line })?;
        let name = with_extension(&path, finish.format.extension());
        let path = self.args.out.join(&name);
        FileRecipe { recipe: recipe.clone(), finish }.validate()?;
        Ok(Unit { job: Job { request, recipe, path }, finish, session, name, line: group.line })
    }

    fn session(&mut self, name: &str) -> Result<Arc<Session>> {
        if let Some(session) = self.sessions.get(name) {
            return Ok(session.clone());
        }
        let threads = self.args.threads.map(usize::from).or(self.settings.threads).unwrap_or(0);
        let device = self.args.device.or(self.settings.device).unwrap_or_default();
        let session = Arc::new(models::open(name, device, threads)?);
        self.sessions.insert(name.to_owned(), session.clone());
        Ok(session)
    }
}

fn take_name(fields: &mut Fields) -> Result<Option<String>> {
    let Some(at) = fields.iter().position(|(key, _)| key == "name") else { return Ok(None) };
    match fields.remove(at).1 {
        Value::String(name) => Ok(Some(name)),
        other => bail!("name = {other}; need a text such as \"{{class}}_{{seed:06}}\""),
    }
}

/// Added, not exchanged: the name may end in `.8`.
fn with_extension(path: &Path, extension: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".");
    path.push(extension);
    path.into()
}

impl Unit {
    /// What the finished file holds beside its sound.
    pub fn file_recipe(&self) -> FileRecipe {
        FileRecipe { recipe: self.job.recipe.clone(), finish: self.finish }
    }

    /// Whether the file that is there is this clip.
    ///
    /// # Errors
    /// It is another's.
    pub fn check_there(&self) -> Result<()> {
        let found = FileRecipe::read(&self.job.path).with_context(|| "the file is in the way of the batch")?;
        if found == self.file_recipe() {
            return Ok(());
        }
        bail!(
            "{} is there already, of another recipe (an earlier row, or an earlier manifest); name the clips apart, or use \
             an empty folder",
            self.job.path.display()
        )
    }
}
