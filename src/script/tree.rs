//! Parsing Python, within bounds.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

use super::cells::Cell;
use super::{Form, ScriptError};

/// Words without which a cell has nothing to do with environments.
const WORDS: [&str; 5] = ["azureml", "Environment", "RunConfig", "spark", "packages"];

/// Every cell parsed.
pub(super) struct Parsed {
    pub(super) trees: Vec<Tree>,
    /// Cells that are no Python and were masked: their number, and why.
    pub(super) opaque: Vec<(usize, ScriptError)>,
}

/// Parses every cell. A cell of a notebook that is no Python and does not name anything of interest is masked.
pub(super) fn parse_all(form: Form, cells: &mut [Cell]) -> Result<Parsed, ScriptError> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_python::LANGUAGE.into())
        .map_err(|error| ScriptError { offset: 0, message: format!("Python's grammar cannot be loaded: {error}") })?;
    let mut trees = Vec::with_capacity(cells.len());
    let mut opaque = Vec::new();
    for (number, cell) in cells.iter_mut().enumerate() {
        let mut parsed = parse(&mut parser, &cell.masked);
        if let Err((offset, message)) = &parsed
            && form == Form::Notebook
            && !WORDS.iter().any(|word| cell.text.contains(word))
        {
            opaque.push((number, cell.error(*offset, message.clone())));
            cell.masked = " ".repeat(cell.text.len());
            cell.hidden.clear();
            cell.masks = vec![crate::source::Span::new(0, cell.text.len())];
            parsed = parse(&mut parser, &cell.masked);
        }
        trees.push(parsed.map_err(|(offset, message)| cell.error(offset, message))?);
    }
    Ok(Parsed { trees, opaque })
}

/// Parses one text that must be Python.
pub(super) fn parse_text(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    parse(&mut parser, text).ok()
}

fn parse(parser: &mut Parser, text: &str) -> Result<Tree, (usize, String)> {
    let bytes = text.as_bytes();
    // The parser reports back about every hundred steps. A text that is Python needs a few steps a byte; recovering
    // from nonsense can need very many more.
    let mut budget = 1_000 + bytes.len();
    let mut furthest = 0;
    let mut progress = |state: &ParseState| {
        furthest = state.current_byte_offset();
        budget = budget.saturating_sub(1);
        if budget == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let tree = parser.parse_with_options(
        &mut |at, _| bytes.get(at..).unwrap_or_default(),
        None,
        Some(ParseOptions::new().progress_callback(&mut progress)),
    );
    let Some(tree) = tree else {
        parser.reset();
        return Err((furthest.min(text.len()), "this is not understood as Python".to_owned()));
    };
    match first_error(tree.root_node()) {
        None => Ok(tree),
        Some(offset) => Err((offset.min(text.len()), "this is not understood as Python".to_owned())),
    }
}

/// Where the first error of a tree is.
fn first_error(root: Node<'_>) -> Option<usize> {
    if !root.has_error() {
        return None;
    }
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(node.start_byte());
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(root.start_byte());
            }
        }
    }
}
