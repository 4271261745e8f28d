//! Which names of `azureml` are what.

/// What a dotted name of `azureml` stands for when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callable {
    /// The class Environment.
    Environment,
    /// A static method that makes an environment from a definition.
    FromDefinition,
    /// `Environment.get`
    Get,
    /// The class RunConfiguration, or its `load`.
    RunConfiguration,
    /// A class that has a run configuration of its own.
    Job,
    /// A new, empty `spark` section.
    SparkSection,
}

const DEFINITIONS: [&str; 7] = [
    "from_conda_specification",
    "from_pip_requirements",
    "from_dockerfile",
    "from_docker_image",
    "from_docker_build_context",
    "from_existing_conda_environment",
    "load_from_directory",
];

/// Whether a dotted name is SDK v1's class Environment. Modules of `azureml.core` import it from each other.
pub(super) fn is_environment(path: &str) -> bool {
    path.strip_prefix("azureml.core").is_some_and(|rest| {
        rest.starts_with('.') && (rest.ends_with(".Environment") || rest.ends_with(".EnvironmentDefinition"))
    })
}

fn is_run_configuration(path: &str) -> bool {
    path.starts_with("azureml.core.") && path.ends_with(".RunConfiguration")
}

/// What calling a dotted name gives.
pub(super) fn callable(path: &str) -> Option<Callable> {
    if is_environment(path) {
        return Some(Callable::Environment);
    }
    if is_run_configuration(path) {
        return Some(Callable::RunConfiguration);
    }
    let (parent, last) = path.rsplit_once('.')?;
    if is_environment(parent) {
        return match last {
            "get" => Some(Callable::Get),
            _ if DEFINITIONS.contains(&last) => Some(Callable::FromDefinition),
            _ => None,
        };
    }
    match last {
        "load" if is_run_configuration(parent) => Some(Callable::RunConfiguration),
        "ScriptRunConfig" if parent.starts_with("azureml.core") => Some(Callable::Job),
        "Estimator" | "PyTorch" | "TensorFlow" | "SKLearn" | "Chainer" if parent.starts_with("azureml.train") => {
            Some(Callable::Job)
        }
        "SparkSection" | "SparkEnvironment" if parent.starts_with("azureml.core") => Some(Callable::SparkSection),
        _ => None,
    }
}

/// The names that `from MODULE import *` brings, of those that matter.
pub(super) fn wildcard(module: &str) -> &'static [&'static str] {
    match module {
        "azureml.core" => &["Environment", "RunConfiguration", "ScriptRunConfig"],
        "azureml.core.environment" => &["Environment", "SparkSection"],
        "azureml.core.runconfig" => &["Environment", "RunConfiguration", "SparkSection"],
        _ => &[],
    }
}
