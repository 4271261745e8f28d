//! What a program sets on the environments that it makes.

use super::Outcome;
use crate::change::Change;
use crate::patch::subject::{Subject, Target};
use crate::patch::view::ScriptView;

/// The program switches the caching of Spark packages off before it uses the environment.
pub fn precache_off(subject: &Subject, view: &ScriptView<'_>) -> Result<Outcome, String> {
    let Target::Object { number } = subject.target else {
        return Err("this remedy is about an environment that a program makes".to_owned());
    };
    let name = subject.object.as_ref().map(|(name, _)| name.as_str()).unwrap_or_default();
    let action = format!("set {name}.spark.precache_packages = False");
    let (edits, changes) = view.script.precache_off(view.source, number)?;
    Ok(Outcome { edits, changes: changes.into_iter().map(Change::Script).collect(), action, safety: None })
}
