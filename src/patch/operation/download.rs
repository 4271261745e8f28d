//! How files are fetched.

use super::{Outcome, layout};
use crate::change::{Change, WordId};
use crate::patch::subject::{Subject, Target};
use crate::patch::view::DockerfileView;

/// curl follows redirections.
pub fn follow_redirects(subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let Target::Command { instruction, command: number, word, locked } = &subject.target else {
        return Err("this remedy is about a curl".to_owned());
    };
    let by_hand = "give curl -L, so that it follows the redirection".to_owned();
    super::unlocked(locked.as_ref(), &by_hand)?;
    let (run, command) = super::command(view, *instruction, *number, &by_hand)?;
    let edit = layout::insert_word(view, run, command, *word, "-L")?;
    let after = WordId { instruction: *instruction, command: *number, word: *word };
    Ok(Outcome::of(edit, Change::InsertWords { after, words: vec!["-L".to_owned()] }, by_hand))
}
