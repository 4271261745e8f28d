//! What pip and get-pip.py change, and which interpreter a pip installs into.

use super::super::image::InterpreterKind;
use super::super::level::Fact;
use super::super::state::{Answer, State};
use crate::shell::tool::{GetPip, Pip, RequirementKind};

impl State {
    pub(super) fn ran_pip(&mut self, pip: &Pip) {
        if let Some((key, value)) = pip.config_setting()
            && key.contains("timeout")
        {
            self.pip_configured.get_or_insert(format!("`pip config set {key} {value}` sets it"));
        }
        if !pip.is_install() {
            return;
        }
        let answer = self.pip_answer(pip);
        if pip.requirement("pip").is_some() {
            self.provides_pip(&answer);
        }
        let brings = ["setuptools"].iter().any(|name| pip.requirement(name).is_some());
        let unknown = pip.requirements.iter().any(|it| it.kind == RequirementKind::Unknown);
        if brings || unknown || pip.requirement_files().next().is_some() {
            let what = "pip, which installs setuptools or may do so";
            self.apt.distutils.get_or_insert_with(|| what.to_owned());
        }
    }

    /// The interpreter that a pip installs into.
    #[must_use]
    pub fn pip_answer(&self, pip: &Pip) -> Answer {
        if pip.option("--python").is_some() || self.variables.contains_key("PIP_PYTHON") {
            return Fact::unknown("pip is told which Python to install into");
        }
        if pip.call.variable("PATH").is_some() || pip.call.variable("PIP_PYTHON").is_some() {
            return Fact::unknown("the command changes its PATH");
        }
        if let Some(environment) = pip.call.environment() {
            return self.in_environment(environment);
        }
        if pip.call.sudo() {
            return Fact::unknown("sudo looks for pip on a PATH of its own");
        }
        let word = pip.interpreter.unwrap_or(pip.pip);
        self.answer_to(&pip.call.words[word])
    }

    pub(in crate::facts) fn ran_get_pip(&mut self, get_pip: &GetPip) {
        let answer = self.answer_to(&get_pip.call.words[get_pip.interpreter]);
        self.provides_pip(&answer);
        // Before Python 3.12, get-pip.py installs setuptools too, which carries distutils.
        self.apt.distutils.get_or_insert_with(|| "get-pip.py, which installs setuptools".to_owned());
    }

    /// An interpreter installs a pip of its own, whose commands stand before those of another.
    pub(super) fn provides_pip(&mut self, answer: &Answer) {
        let interpreter = |answer: &Answer| answer.value().cloned().flatten();
        let (new, old, default) = (interpreter(answer), interpreter(&self.pip), interpreter(&self.python3));
        if self.active.is_some() || new.as_ref().is_some_and(|new| new.kind == InterpreterKind::Venv) {
            return;
        }
        match (new, old) {
            (Some(new), Some(old)) if new != old && Some(&new) != default.as_ref() => self.pip_moved = true,
            (Some(new), None) if default.as_ref().is_some_and(|default| *default != new) => self.pip_moved = true,
            (None, _) => self.pip_moved = true,
            _ => {}
        }
        self.answers(|state| &mut state.pip, answer.clone());
        if matches!(self.pip, Fact::Unknown { .. }) && answer.value().is_some() {
            self.pip = answer.clone();
        }
    }
}
