//! What literals say.

use tree_sitter::Node;

/// Whether an expression is plainly an empty list.
pub(super) fn is_empty(node: Node<'_>, text: &str) -> bool {
    match node.kind() {
        "list" | "tuple" => node.named_child_count() == 0,
        "none" => true,
        "call" => matches!(text, "list()" | "tuple()"),
        _ => false,
    }
}

/// Whether a literal counts as true; `None` for anything that is no literal. Python's `None` is not the `false` that
/// the service wants.
pub(super) fn truth(node: Node<'_>, text: &str) -> Option<bool> {
    match node.kind() {
        "true" | "none" => Some(true),
        "false" => Some(false),
        "integer" => text.parse::<u64>().ok().map(|number| number != 0),
        "string" => plain_string(node, text).map(|text| !text.is_empty()),
        _ => None,
    }
}

/// What a string without prefix, escapes and insertions says.
pub(super) fn plain_string<'a>(node: Node<'_>, text: &'a str) -> Option<&'a str> {
    let inner = node.kind() == "string" && !text.contains('\\');
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| text.starts_with(quote))?;
    inner.then(|| text.strip_prefix(quote)?.strip_suffix(quote)).flatten()
}
