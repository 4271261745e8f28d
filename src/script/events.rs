//! What happens to which environment, and how surely.

use tree_sitter::Node;

use crate::source::Span;

use super::expressions::Resolved;
use super::names::{Objects, Value};
use super::objects::{EnvironmentObject, Event, History, Made, What};
use super::walk::Walk;

/// More environments that share their changes with one are not looked at.
const MAX_SHARES: usize = 4;

impl<'t> Walk<'t> {
    pub(super) fn touch(&mut self, objects: &Objects, names: &[&str], found: &Resolved) {
        let certain = self.definite(objects) || self.one_name(objects);
        let text = found.spark.filter(|_| certain).and_then(|spark| names.get(..spark));
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

    /// Whether an expression stands for one of several environments that were all made under one name, in different
    /// blocks: whichever was made last.
    fn one_name(&self, objects: &Objects) -> bool {
        let mut names = objects.ids.iter().filter_map(|id| self.objects.get(*id)).map(|object| &object.history.exact);
        let first = names.next();
        !objects.maybe && matches!(first, Some(Some(_))) && names.all(|name| Some(name) == first)
    }

    pub(super) fn event(&mut self, objects: &Objects, what: impl Fn(usize) -> What) {
        let definite = self.definite(objects) || self.one_name(objects);
        for id in &objects.ids {
            self.event_of(*id, what(*id), definite, &objects.ids);
        }
    }

    fn event_of(&mut self, id: usize, what: What, definite: bool, companions: &[usize]) {
        let place = self.here;
        let Some(history) = self.objects.get(id).map(|object| &object.history) else { return };
        let (made, adds) = (history.place, history.first_adds);
        let own = made.function == place.function;
        let carried = own && place.statement < made.statement;
        let certain = definite && !carried && !self.leaves_between(made.statement, adds.map(|(adds, _)| adds));
        let sure = certain && self.is_sure(id, definite, companions.len() < 2 || self.same_statement(companions));
        let at_made = own && self.is_near(made.statement);
        let at_adds = own && adds.is_some_and(|(adds, _)| self.is_near(adds));
        let guard = self.blocks.get(place.block).and_then(|block| block.guard);
        let first = companions.iter().min().copied().filter(|first| *first < id);
        let kind = match &what {
            What::Touch(_) => 0,
            What::Adds => 1,
            What::Replaced => 2,
            What::Use => 3,
            What::Set(set) => 4 + set.precache.span.start,
        };
        let known = self.recorded.get(&(id, place.statement, kind)).copied();
        let again = self.rereading > 0;
        let Some(object) = self.objects.get_mut(id) else { return };
        let history = &mut object.history;
        history.carried |= carried;
        if matches!(what, What::Set(_) | What::Adds)
            && let Some(first) = first
            && history.shares.len() < MAX_SHARES
            && !history.shares.contains(&first)
        {
            history.shares.push(first);
        }
        match &what {
            What::Set(set) if set.precache.value == Some(false) => history.now_off |= sure,
            What::Set(_) | What::Replaced => history.now_off = false,
            What::Adds if own && place.statement > made.statement => {
                history.first_adds.get_or_insert((place.statement, at_made));
            }
            _ => {}
        }
        if let Some(event) = known.and_then(|known| history.events.get_mut(known)) {
            event.sure &= sure;
            match (&mut event.what, &what) {
                (What::Touch(old), What::Touch(None)) if again => *old = None,
                (What::Touch(old), What::Touch(new)) if !again && old != new => {}
                _ => return,
            }
            if again {
                return;
            }
        }
        self.recorded.entry((id, place.statement, kind)).or_insert(history.events.len());
        history.events.push(Event { place, what, sure, at_made, at_adds, guard });
    }

    fn same_statement(&self, ids: &[usize]) -> bool {
        let mut places = ids.iter().filter_map(|id| self.objects.get(*id)).map(|object| object.history.place.statement);
        let first = places.next();
        places.all(|place| Some(place) == first)
    }

    /// Whether a loop may be left, or its round, behind one statement and before the current one; or the function
    /// behind the first one that puts packages in.
    fn leaves_between(&self, made: usize, adds: Option<usize>) -> bool {
        let here = self.here.statement;
        let any = |set: &std::collections::BTreeSet<usize>, from: usize| {
            from < here && set.range(from + 1..here).next().is_some()
        };
        any(&self.breaks, made) || any(&self.exits, adds.unwrap_or(made))
    }

    /// Whether the current statement follows another one, or what stands on that one's line.
    fn is_near(&self, other: usize) -> bool {
        let here = self.here.statement;
        if here <= other || here - other > 50 {
            return false;
        }
        let (Some(first), Some(last)) = (self.flat.entries.get(other), self.flat.entries.get(here - 1)) else {
            return false;
        };
        let between = || self.cells.get(first.cell)?.text.get(first.span.end..last.span.start);
        here == other + 1 || first.cell == last.cell && between().is_some_and(|text| !text.contains('\n'))
    }

    /// Whether this point is reached with the object in hand whenever the object was made and its block was left
    /// neither by an error nor by `return`.
    fn is_sure(&self, id: usize, definite: bool, alone: bool) -> bool {
        let Some(made) = self.objects.get(id).map(|object| object.history.place) else { return false };
        let (here, there) = (self.canonical(self.here.block), self.canonical(made.block));
        if made.function != self.here.function {
            return false;
        }
        if here == there {
            return definite && alone;
        }
        if !definite {
            return false;
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
        let start: String = self.text(node).chars().take(200).collect();
        let mut name: String = start.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.len() > 60 {
            let end = name.char_indices().map(|(at, _)| at).take_while(|at| *at <= 57).last().unwrap_or(0);
            name.truncate(end);
            name.push_str("...");
        }
        let site = (self.cell, node.start_byte(), node.end_byte());
        if let Some(id) = self.sites.get(&site).copied() {
            if let Some(object) = self.objects.get_mut(id) {
                object.history.off &= off;
                object.history.now_off = object.history.off;
            }
            return id;
        }
        self.sites.insert(site, self.objects.len());
        let made = self.statement_span(self.here.statement);
        let history = History {
            exact: None,
            place: self.here,
            simple: self.simple,
            off,
            now_off: off,
            first_adds: None,
            carried: false,
            shared: false,
            shares: Vec::new(),
            events: Vec::new(),
        };
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
                object.history.shared = self.shared.contains(key.split('.').next().unwrap_or(key));
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
