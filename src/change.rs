//! What a fix does to the *model* of a file, in the model's own terms.
//!
//! An operation writes two things: edits of the text, and the change of the model that they are meant to be.
//! [`verify`](crate::verify) applies the change to the model of the text before and demands that the model of the
//! text after is the same. A change names instructions, commands and words by their number and carries no offset, so
//! that nothing of how the text is edited can leak into what is expected.

use crate::script::ScriptChange;

/// A change of a file's model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new instruction stands before the one numbered `before` (in the file as it was).
    InsertInstruction {
        /// Number of the instruction before which the new one stands.
        before: usize,
        /// Its keyword, in upper case.
        keyword: String,
        /// Its arguments as one line.
        arguments: String,
    },
    /// A command of a `RUN` has another word.
    ReplaceWord {
        /// Which word.
        word: WordId,
        /// What it is now, as written.
        to: String,
    },
    /// A command of a `RUN` has further words behind one of its words.
    InsertWords {
        /// The word behind which they stand.
        after: WordId,
        /// The words, as written.
        words: Vec<String>,
    },
    /// A further command stands behind a command of a `RUN`.
    AppendCommand {
        /// Number of the instruction.
        instruction: usize,
        /// Number of the command behind which the new one stands.
        command: usize,
        /// The operator between them: `&&`, `;` or a newline.
        operator: String,
        /// Its words, as written.
        words: Vec<String>,
    },
    /// A pair of an `ENV` has another value.
    SetPair {
        /// Number of the instruction.
        instruction: usize,
        /// The variable.
        name: String,
        /// Its value now, as written.
        value: String,
    },
    /// A value of a YAML or JSON file is another.
    SetValue {
        /// Which.
        path: Vec<Step>,
        /// The value now.
        value: Scalar,
    },
    /// A map has a further key, behind those that it had.
    InsertKey {
        /// The map.
        path: Vec<Step>,
        /// The key.
        key: String,
        /// Its value.
        value: Scalar,
    },
    /// A map has a key less.
    RemoveKey {
        /// The map and the key.
        path: Vec<Step>,
    },
    /// A key has another name.
    RenameKey {
        /// The map and the key as it was.
        path: Vec<Step>,
        /// Its name now.
        to: String,
    },
    /// A statement of a program is another, or a further one.
    Script(ScriptChange),
    /// The last words of an instruction are a comment above it.
    MoveComment {
        /// Number of the instruction.
        instruction: usize,
        /// How many words of its arguments stay.
        words: usize,
        /// The comment, from its `#` on.
        comment: String,
    },
    /// A `FROM` names another image.
    SetBase {
        /// Number of the instruction.
        instruction: usize,
        /// The image now.
        to: String,
    },
    /// An instruction has another keyword.
    SetKeyword {
        /// Number of the instruction.
        instruction: usize,
        /// The keyword now.
        keyword: String,
        /// What stood glued to the keyword and is its first argument now.
        glued: String,
    },
    /// The no-break spaces of an instruction are blanks, and its keyword ends at the first.
    PlainBlanks {
        /// Number of the instruction.
        instruction: usize,
    },
    /// A further command stands before a command of a `RUN`.
    PrependCommand {
        /// Number of the instruction.
        instruction: usize,
        /// Number of the command before which the new one stands.
        command: usize,
        /// Its words, as written.
        words: Vec<String>,
        /// The operator between them: `&&`, `;` or a newline.
        operator: String,
    },
    /// A word of a command and the redirections glued to it are one quoted word.
    QuoteWord {
        /// The word.
        word: WordId,
        /// How many redirections follow it.
        redirections: usize,
        /// The word now, quotes included.
        to: String,
    },
    /// The file is written in UTF-8. Its text stays as it is.
    Encode,
    /// A list has a further item.
    InsertItem {
        /// The list.
        path: Vec<Step>,
        /// Number of the item before which it stands.
        before: usize,
        /// The item.
        value: Scalar,
    },
    /// A map has a further key that holds a list, before one that it had.
    InsertList {
        /// The map.
        path: Vec<Step>,
        /// The key before which it stands.
        before: String,
        /// The key.
        key: String,
        /// The texts of the list.
        items: Vec<String>,
    },
}

/// One step on the way to a value of a YAML or JSON file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The value of this key.
    Key(String),
    /// The item of this number, from 0.
    Item(usize),
}

impl Step {
    /// A path as people write it: `jobs.train.environment`, `dependencies[2]`.
    #[must_use]
    pub fn written(path: &[Step]) -> String {
        let mut out = String::new();
        for step in path {
            match step {
                Step::Key(key) if out.is_empty() => out.push_str(key),
                Step::Key(key) => out.extend([".", key]),
                Step::Item(index) => out.push_str(&format!("[{index}]")),
            }
        }
        if out.is_empty() { "the top level".to_owned() } else { out }
    }
}

/// A value that a fix writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A text.
    Text(String),
}

/// A word of a command of a `RUN`, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WordId {
    /// Number of the instruction in the file.
    pub instruction: usize,
    /// Number of the command in the instruction's script.
    pub command: usize,
    /// Number of the word in the command.
    pub word: usize,
}
