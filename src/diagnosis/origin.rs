//! Where the name of a package comes from that the log says does not exist: the file and the line that ask for it.

use std::collections::BTreeSet;

use crate::context::{self, BuildContext};
use crate::environment::conda::CondaEnvironment;
use crate::environment::requirement;
use crate::member::Member;
use crate::model::{DockerfileModel, Model};
use crate::shell::tool::{self, Tool, normalise};
use crate::source::Source;

/// More requirements files than this are not followed.
const MOST_FILES: usize = 50;

/// The places that ask for a package, as `file:line`: in the instruction that failed, in the files that it reads, and in
/// the other files of the build.
pub fn places(package: &str, instruction: Option<usize>, members: &[&Member]) -> Vec<String> {
    let wanted = normalise(package);
    let mut places = Places { wanted, found: Vec::new() };
    for member in members {
        match &member.model {
            Model::Dockerfile(model) => {
                if let Some(instruction) = instruction {
                    places.in_instruction(member, model, instruction);
                }
            }
            Model::Conda(environment) => places.in_conda(&member.source, environment),
            Model::Azure(file) => {
                let inline = file.definitions.iter().filter_map(|definition| definition.conda.as_ref());
                inline.for_each(|environment| places.in_conda(&member.source, environment));
            }
            Model::Script(_) => {}
        }
    }
    places.found
}

struct Places {
    wanted: String,
    found: Vec<String>,
}

impl Places {
    fn add(&mut self, place: String) {
        if !self.found.contains(&place) {
            self.found.push(place);
        }
    }

    fn is_wanted(&self, requirement: &str) -> bool {
        requirement::name_of(requirement).is_some_and(|name| normalise(name) == self.wanted)
    }

    fn in_instruction(&mut self, member: &Member, model: &DockerfileModel, instruction: usize) {
        let Some(run) = model.run(instruction) else { return };
        let mut files: Vec<String> = Vec::new();
        for command in &run.script.commands {
            for word in command.words.iter() {
                if self.is_wanted(word.text()) {
                    let line = member.source.line(run.span(word.range.clone()).start);
                    self.add(format!("{}:{line}", member.source.name()));
                }
            }
            if let Tool::Pip(pip) = tool::tool(command) {
                let options = pip.requirement_files().chain(pip.constraint_files());
                files.extend(options.filter_map(|option| option.value.clone()));
            }
        }
        let paths = files.iter().filter_map(|file| context::source_of(&model.dockerfile, instruction, file)).collect();
        self.in_requirements(paths, &member.context);
    }

    /// Requirements files, and those that they name.
    fn in_requirements(&mut self, mut open: Vec<String>, context: &BuildContext) {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some(path) = open.pop() {
            if seen.len() >= MOST_FILES || !seen.insert(path.clone()) {
                continue;
            }
            let Some(text) = context.read(&path) else { continue };
            for (number, line) in text.lines().enumerate() {
                if self.is_wanted(line) {
                    self.add(format!("{path}:{}", number + 1));
                }
                let mut words = line.split_whitespace();
                if let (Some("-r" | "--requirement" | "-c" | "--constraint"), Some(other)) =
                    (words.next(), words.next())
                {
                    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
                    open.push(format!("{folder}{other}"));
                }
            }
        }
    }

    fn in_conda(&mut self, source: &Source, environment: &CondaEnvironment) {
        let specs = environment.specs().filter(|(_, item)| normalise(&item.spec.name) == self.wanted);
        let lines: Vec<usize> = specs.map(|(_, item)| source.line(item.span.start)).collect();
        let items = environment.pip_maps().flat_map(|(_, map)| &map.items).filter(|item| self.is_wanted(&item.text));
        let lines: Vec<usize> = lines.into_iter().chain(items.map(|item| source.line(item.span.start))).collect();
        for line in lines {
            self.add(format!("{}:{line}", source.name()));
        }
    }
}
