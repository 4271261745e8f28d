//! What happens to which environment, and how surely.

use tree_sitter::Node;

use crate::source::Span;

use super::expressions::Resolved;
use super::names::{Objects, Value};
use super::objects::{EnvironmentObject, Event, History, Made, What};
use super::walk::Walk;

impl<'t> Walk<'t> {
    pub(super) fn touch(&mut self, objects: &Objects, names: &[&str], found: &Resolved) {
        let text = found.spark.filter(|_| self.definite(objects)).and_then(|spark| names.get(..spark));
        let text = text.map(|names| names.join("."));
        self.event(objects, |_| What::Touch(text.clone()));
    }

    /// Whether an expression stands for one environment here, or for one of several of which a single statement made
    /// exactly one.
    pub(super) fn definite(&self, objects: &Objects) -> bool {
        let mut places =
            objects.ids.iter().filter_map(|id| self.objects.get(*id)).map(|object| object.history.place.statement);
        let first = places.next();
        !objects.maybe && places.all(|place| Some(place) == first)
    }

    pub(super) fn event(&mut self, objects: &Objects, what: impl Fn(usize) -> What) {
        let definite = self.definite(objects);
        for id in &objects.ids {
            let sure = self.is_sure(*id, definite);
            let place = self.here;
            if let Some(object) = self.objects.get_mut(*id) {
                object.record(Event { place, what: what(*id), sure });
            }
        }
    }

    /// Whether this point is reached with the object in hand whenever the object was made and its block was left
    /// neither by an error nor by `return`.
    fn is_sure(&self, id: usize, definite: bool) -> bool {
        let Some(made) = self.objects.get(id).map(|object| object.history.place) else { return false };
        let (here, there) = (self.canonical(self.here.block), self.canonical(made.block));
        if made.function != self.here.function {
            return false;
        }
        if here == there {
            return definite;
        }
        let mut block = there;
        while let Some(parent) = self.blocks.get(block).and_then(|block| block.parent) {
            block = self.canonical(parent);
            if block == here {
                return true;
            }
        }
        false
    }

    fn canonical(&self, mut block: usize) -> usize {
        while let Some(parent) = self.blocks.get(block).filter(|block| block.always).and_then(|block| block.parent) {
            block = parent;
        }
        block
    }

    pub(super) fn raw(&self, node: Node<'t>) -> Span {
        let span = Span::new(node.start_byte(), node.end_byte());
        self.cells.get(self.cell).map_or(span, |cell| cell.raw(span))
    }

    /// A new environment. It gets its name when it is bound to one.
    pub(super) fn make(&mut self, made_by: Made, node: Node<'t>, curated: Option<String>, off: bool) -> usize {
        let mut name: String = self.text(node).split_whitespace().collect::<Vec<_>>().join(" ");
        if name.len() > 60 {
            let end = name.char_indices().map(|(at, _)| at).take_while(|at| *at <= 57).last().unwrap_or(0);
            name.truncate(end);
            name.push_str("...");
        }
        let made = self.statement_span(self.here.statement);
        let history = History { exact: None, place: self.here, simple: self.simple, off, events: Vec::new() };
        let adds_packages = Vec::new();
        self.objects.push(EnvironmentObject {
            name,
            made,
            made_by,
            curated,
            adds_packages,
            precache: None,
            used: None,
            history,
        });
        self.objects.len() - 1
    }

    fn statement_span(&self, statement: usize) -> Span {
        let entry = self.flat.entries.get(statement);
        entry.and_then(|entry| Some(self.cells.get(entry.cell)?.raw(entry.span))).unwrap_or_else(|| Span::at(0))
    }

    /// What was made in this statement is called by the first name that it gets.
    pub(super) fn name(&mut self, key: &str, value: &Value) {
        let suffix = match value {
            Value::Environment(_) => "",
            Value::RunConfig(_) => ".environment",
            Value::Job(_) => ".run_config.environment",
            _ => return,
        };
        let Some(objects) = value.objects() else { return };
        let definite = self.definite(objects);
        for id in &objects.ids {
            if let Some(object) = self.objects.get_mut(*id)
                && object.history.exact.is_none()
                && object.history.place == self.here
            {
                object.name = format!("{key}{suffix}");
                object.history.exact = definite.then(|| object.name.clone());
            }
        }
    }
}

impl Walk<'_> {
    pub(super) fn finish(&mut self) {
        for id in 0..self.objects.len() {
            let spans: Vec<(What, Span)> = match self.objects.get(id) {
                Some(object) => object
                    .history
                    .events
                    .iter()
                    .map(|event| (event.what.clone(), self.statement_span(event.place.statement)))
                    .collect(),
                None => continue,
            };
            let Some(object) = self.objects.get_mut(id) else { continue };
            for (what, span) in spans {
                match what {
                    What::Adds if object.adds_packages.last() != Some(&span) => object.adds_packages.push(span),
                    What::Set(set) => object.precache = Some(set.precache),
                    What::Use => object.used = Some(object.used.map_or(span, |used| used.min(span))),
                    _ => {}
                }
            }
        }
    }
}

impl EnvironmentObject {
    fn record(&mut self, event: Event) {
        self.history.events.push(event);
    }
}
