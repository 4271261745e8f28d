//! Where a suspicion about a command holds.

use super::super::file::{CommandCondition, PipInstaller};
use super::super::pin::Pin;
use super::super::subject::{Role, Subject, Target, versions};
use super::super::view::DockerfileView;
use super::{conda_commands, installers, lists, redirections};
use crate::context;
use crate::facts::effects::Place;
use crate::facts::image::InterpreterKind;
use crate::facts::level::Fact;
use crate::facts::pip_table;
use crate::facts::state::{Answer, State};
use crate::facts::version::PythonVersion;
use crate::finding::Evidence;
use crate::shell::tool::{self, Conda, Pip, RequirementKind, Tool};
use crate::shell::{Command, Nesting};

/// The commands that a condition holds of.
pub fn commands(view: &DockerfileView<'_>, condition: &CommandCondition) -> Vec<Subject> {
    if let Some(redirection) = condition.redirects_version {
        return redirections::redirections(view, redirection);
    }
    if condition.lacks_package_lists {
        return lists::without_lists(view);
    }
    if let Some(file) = condition.creates_from_yaml {
        return conda_commands::creates_from_yaml(view, file);
    }
    if condition.lacks_conda {
        return conda_commands::without_conda(view);
    }
    if condition.fetches_conda_without_redirects {
        return installers::without_redirects(view);
    }
    if let Some(least) = &condition.conda_below {
        return conda_commands::installs_old_conda(view, &filled(least, view));
    }
    let all = 0..view.model.dockerfile.instructions.len();
    let mut subjects = Vec::new();
    for (place, command, state) in view.commands(all) {
        if state.shell.is_err() {
            continue;
        }
        let looked_at = Looked { view, place, state };
        if let Some(text) = tool::nested(command) {
            let Ok(script) = crate::shell::parse(&text) else { continue };
            let found = script.commands.iter().any(|inner| looked_at.newest_pip(inner, condition).is_some());
            subjects.extend(found.then(|| looked_at.nested(command)).flatten());
            continue;
        }
        subjects.extend(looked_at.newest_pip(command, condition).or_else(|| looked_at.low_timeout(command, condition)));
    }
    subjects
}

struct Looked<'a> {
    view: &'a DockerfileView<'a>,
    place: Place,
    state: &'a State,
}

impl Looked<'_> {
    /// Whether a command installs the newest pip there is.
    fn newest_pip(&self, command: &Command, condition: &CommandCondition) -> Option<Subject> {
        if condition.get_pip_refuses {
            return self.get_pip(command, true);
        }
        let kinds = &condition.installs_newest_pip;
        if kinds.contains(&PipInstaller::GetPip) && self.view.timeline.get_pip(self.place).is_some() {
            return self.get_pip(command, false);
        }
        match tool::tool(command) {
            Tool::Pip(pip) if kinds.contains(&PipInstaller::Pip) => {
                let requirement = pip.requirement("pip")?;
                let bare = requirement.kind == RequirementKind::Named
                    && !requirement.has_version()
                    && !requirement.expands
                    && requirement.extras.is_empty()
                    && requirement.marker.is_none();
                // `pip>=23` without quotes: the shell writes a file `=23`, and the author asked for a version.
                let newest = redirections::glued(command, requirement.word).is_empty()
                    && pip.upgrades()
                    && pip.constraint_files().next().is_none()
                    && pip.downloads();
                let several = pip.requirements.iter().filter(|it| it.name.as_deref() == Some("pip")).count() > 1;
                if !bare || !newest || several || elsewhere(pip) {
                    return None;
                }
                let asked = self.asked_in_files(pip);
                if asked == Some(true) {
                    return None;
                }
                let answer = self.state.pip_answer(pip);
                let mut subject = self.subject(command, requirement.word, Role::PipRequirement, answer, breaks(pip));
                if let Target::Word { locked, .. } = &mut subject.target {
                    let unseen =
                        asked.is_none().then(|| "what its requirements file asks of pip is not known".to_owned());
                    let index = self.other_index(pip).then(|| "its package index is not PyPI alone".to_owned());
                    *locked = locked.take().or(unseen).or(index);
                }
                Some(subject)
            }
            Tool::Conda(conda) if kinds.contains(&PipInstaller::Conda) => self.conda(command, conda),
            _ => None,
        }
    }

    /// Whether a requirements file that a pip reads asks for a pip; `None` where one cannot be read.
    fn asked_in_files(&self, pip: &Pip) -> Option<bool> {
        let mut asked = false;
        for file in pip.requirement_files() {
            let path = context::source_of(&self.view.model.dockerfile, self.place.instruction, file.value.as_deref()?)?;
            let text = self.view.context.read(&path)?;
            asked |= text.lines().any(|line| {
                let name = line.trim().split(['=', '<', '>', '~', '!', '[', ';', ' ', '@']).next().unwrap_or_default();
                name.eq_ignore_ascii_case("pip") || name == "-r" || name == "-c"
            });
        }
        Some(asked)
    }

    /// Whether a pip asks another index than PyPI, or further ones, which may not have the pip that PyPI has.
    fn other_index(&self, pip: &Pip) -> bool {
        const OPTIONS: [&str; 3] = ["--index-url", "--find-links", "--extra-index-url"];
        const VARIABLES: [&str; 5] =
            ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONSTRAINT"];
        OPTIONS.iter().any(|name| pip.option(name).is_some())
            || VARIABLES
                .iter()
                .any(|name| self.state.variables.contains_key(*name) || pip.call.variable(name).is_some())
    }

    /// Whether a command runs the newest get-pip.py without naming a pip: as a file or from a pipe.
    fn get_pip(&self, command: &Command, refused: bool) -> Option<Subject> {
        if self.view.timeline.get_pip(self.place)? != Some(true) {
            return None;
        }
        let get_pip = tool::as_get_pip(command)?;
        let unknown = get_pip.requirements.iter().any(|it| it.kind == RequirementKind::Unknown);
        let local = get_pip.options.iter().any(|option| option.name == "--no-index");
        if unknown || local || (get_pip.requirement("pip").is_some() && !refused) {
            return None;
        }
        let answer = self.state.answer_to(command.words.get(get_pip.interpreter)?);
        let known = versions(&answer);
        // pip 26.1, which get-pip.py carries, wants Python 3.10; the script itself says so and stops.
        let old = |version: &PythonVersion| *version < PythonVersion::new(3, 10);
        let refuses = known.value().is_some_and(old);
        if refused != refuses || (!refused && known.values().iter().any(old)) {
            return None;
        }
        let broken = get_pip.options.iter().any(|option| option.name == "--break-system-packages");
        let word = get_pip.script.unwrap_or(get_pip.arguments.max(get_pip.interpreter + 1) - 1);
        let role =
            if get_pip.script.is_some() || word > get_pip.interpreter { Role::GetPip } else { Role::PipedGetPip };
        Some(self.subject(command, word, role, answer, broken))
    }

    fn conda(&self, command: &Command, conda: &Conda) -> Option<Subject> {
        let spec = conda.spec("pip")?;
        let works = (conda.is("install") || conda.is("update") || conda.is("upgrade"))
            && spec.version.is_none()
            && !spec.expands
            && redirections::glued(command, spec.word).is_empty();
        if !works || conda.downloads().eq(&false) {
            return None;
        }
        let answer = match conda.environment() {
            Some(environment) => self.state.in_environment(&environment),
            None => self.state.answer("python"),
        };
        let own = matches!(&answer, Fact::Known { value: Some(it), .. } if it.kind == InterpreterKind::Conda);
        if !own || conda.call.is_roundabout() {
            return None;
        }
        let mut subject = self.subject(command, spec.word, Role::CondaSpec, answer, true);
        // Which channels a conda asks without `-c` depends on its configuration.
        let named: Vec<String> = conda.channels().filter_map(|option| option.value.clone()).collect();
        let channels: Vec<&str> = match &spec.channel {
            Some(channel) => vec![channel.as_str()],
            None => named.iter().map(String::as_str).collect(),
        };
        subject.channel =
            (!channels.is_empty()).then(|| pip_table::deciding_channel(&channels)).flatten().map(str::to_owned);
        subject.pin = match (versions(&subject.python), subject.channel.as_deref()) {
            (Fact::Known { value, .. }, Some("conda-forge")) => match pip_table::conda_pip(value, &channels) {
                Some(row) => Pin::Known(row.version.to_owned()),
                None => Pin::None(format!("envfix has no evidence of a pip for Python {value} in conda-forge")),
            },
            (Fact::Unknown { from }, _) => Pin::None(format!("its Python is not known ({from})")),
            _ => Pin::None("it is not known which channel this conda takes pip from".to_owned()),
        };
        // Most often pip is there already and stays as it is; without knowing the channel there is nothing to say.
        subject.pin.version().is_some().then_some(subject)
    }

    /// Whether a pip gives itself too short a timeout.
    fn low_timeout(&self, command: &Command, condition: &CommandCondition) -> Option<Subject> {
        let least = condition.pip_timeout_below.as_ref()?;
        let Tool::Pip(pip) = tool::tool(command) else { return None };
        let option = pip.timeout()?;
        let value: f64 = option.value.as_deref()?.parse().ok()?;
        let subject = self.subject(command, option.value_word?, Role::Timeout, self.state.pip_answer(pip), true);
        (pip.downloads() && value < subject.number(least, self.view.values)?).then_some(subject)
    }

    /// A command that does something inside a quoted text.
    fn nested(&self, command: &Command) -> Option<Subject> {
        let mut subject =
            self.subject(command, 0, Role::PipRequirement, Fact::unknown("the Python of a quoted shell text"), false);
        if let Target::Word { locked, .. } = &mut subject.target {
            *locked = Some("it stands inside a quoted shell text".to_owned());
        }
        Some(subject)
    }

    fn subject(&self, command: &Command, word: usize, role: Role, python: Answer, breaks_system: bool) -> Subject {
        let run = self.view.model.run(self.place.instruction);
        let place = run.map_or(crate::source::Span::at(0), |run| run.span(command.range.clone()));
        let locked = run.and_then(|run| run.locked.clone()).or_else(|| {
            let inside = command.nesting.iter().any(|it| matches!(it, Nesting::Substitution | Nesting::Function));
            inside.then(|| "it stands inside a substitution or a function".to_owned())
        });
        let Place { instruction, command } = self.place;
        let target = Target::Word { instruction, command, word, role, locked };
        let mut subject = Subject::new(target, place, Some(self.state)).about(python, self.state, self.view.values);
        let note = format!("the Python there: {}", subject.named("python", self.view.values).unwrap_or_default());
        let from = subject.python.from();
        let note = if note.contains(from) { note } else { format!("{note} ({from})") };
        subject.evidence.push(Evidence { span: place, note });
        if breaks_system {
            subject.externally_managed = Some(false);
        }
        if let Some(pin) = subject.pin.version() {
            subject.unknown_option = self.view.unknown_option_behind(self.place, pin);
        }
        subject
    }
}

/// Whether a pip installs for another Python than the one that runs it.
fn elsewhere(pip: &Pip) -> bool {
    ["--target", "--root", "--prefix", "--python-version", "--platform"].iter().any(|name| pip.option(name).is_some())
}

/// Whether a pip is told to install into a system Python all the same.
fn breaks(pip: &Pip) -> bool {
    pip.option("--break-system-packages").is_some()
}

/// A value of a patch with its names replaced.
pub(super) fn filled(setting: &super::super::file::Setting, view: &DockerfileView<'_>) -> String {
    let text = setting.to_string();
    let name = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    name.and_then(|name| view.values.get(name)).map_or(text.clone(), ToString::to_string)
}
