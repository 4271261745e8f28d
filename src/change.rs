//! What a fix does to the *model* of a file, in the model's own terms.
//!
//! An operation writes two things: edits of the text, and the change of the model that they are meant to be.
//! [`verify`](crate::verify) applies the change to the model of the text before and demands that the model of the
//! text after is the same. A change names instructions, commands and words by their number and carries no offset, so
//! that nothing of how the text is edited can leak into what is expected.

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
    /// A conda environment lists a further dependency.
    InsertDependency {
        /// Number of the dependency before which it stands.
        before: usize,
        /// The match spec.
        spec: String,
    },
    /// A conda environment's dependency is another.
    SetDependency {
        /// Number of the dependency.
        dependency: usize,
        /// The match spec.
        spec: String,
    },
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
