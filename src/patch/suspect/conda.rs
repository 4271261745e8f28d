//! Where a suspicion about a conda environment holds.

use super::super::file::{CondaCondition, PipListed};
use super::super::subject::Subject;
use super::super::view::{CondaView, installs_own_pip};
use crate::environment::match_spec::listed_as_pip;

/// The dependency of a conda environment that a condition holds of: the bare pip, or else the `- pip:` map.
pub fn conda(view: &CondaView<'_>, condition: &CondaCondition) -> Vec<Subject> {
    let environment = view.environment;
    let map = environment.pip_maps().next().map(|(index, _)| index);
    if condition.has_pip_map.is_some_and(|wanted| wanted != map.is_some()) {
        return Vec::new();
    }
    let mut listed = environment.listed_pip();
    let index = match condition.pip {
        None => map,
        Some(PipListed::Missing) => {
            let any = environment.specs().any(|(_, item)| listed_as_pip(&item.spec.text) || item.spec.name == "pip");
            map.filter(|_| !any)
        }
        Some(PipListed::Bare) => listed
            .find(|(index, _)| map.is_none_or(|map| *index < map))
            .filter(|_| environment.specs().filter(|(_, item)| item.spec.name == "pip").count() == 1)
            .filter(|_| !installs_own_pip(environment))
            .filter(|(_, item)| item.spec.version.is_none() && item.spec.build.is_none() && item.spec.name == "pip")
            .map(|(index, _)| index),
    };
    index.map(|index| view.subject(index)).into_iter().collect()
}
