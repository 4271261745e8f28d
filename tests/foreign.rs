//! Files of other tools that look a little like definitions of Azure ML. In a folder none of them is touched, told of or
//! refused.

mod support;

use support::Sandbox;

const FILES: [(&str, &str); 38] = [
    (
        ".circleci/config.yml",
        "version: 2.1\njobs:\n  build:\n    docker: [{image: cimg/node:1}]\n    environment: {image: foo:1, NAME: bar, TAGS: 'a,b', VERSION: '3'}\n",
    ),
    (
        ".github/workflows/ci.yml",
        "name: ci\non: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    container: {image: node:18}\n    environment: {name: production}\n    steps: [{run: conda env create}]\n",
    ),
    (".gitlab-ci.yml", "image: python:3.10\nbuild:\n  script: [pip install x]\n  environment: {name: prod}\n"),
    ("azure-pipelines.yml", "trigger: [main]\njobs:\n- deployment: a\n  environment: {name: x, image: r/x:1}\n"),
    (
        "playbook.yml",
        "- hosts: all\n  tasks:\n  - command: docker run\n    environment: {image: 'nginx:1', NAME: foo}\n",
    ),
    ("tasks.yml", "command: run\nenvironment: {image: 'nginx:1', Name: foo}\n"),
    (
        "docker-compose.yml",
        "name: app\nservices:\n  web:\n    image: nginx\n    build: {context: ., dockerfile: Dockerfile}\n    environment: {image: a, name: b}\n",
    ),
    ("compose.yaml", "services:\n  spark: {image: spark, environment: {SPARK: 1}}\n"),
    ("k8s.yml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: nginx}]\n"),
    ("values.yaml", "image: nginx\nname: web\n"),
    ("chart/values.yml", "image: {repository: nginx, tag: '1'}\nname: web\nspark: {packages: [a]}\n"),
    ("recipe.yml", "name: Cake\nimage: cake.jpg\ntype: dessert\n"),
    ("person.yml", "Name: Jane\nimage: jane.png:1\nDescription: x\nTags: [a]\n"),
    ("app.yml", "name: app\nimage: nginx:1\nbuild:\nversion: 1\n"),
    ("app2.yml", "name: app\nimage:\nbuild: {path: .}\n"),
    ("lib.yml", "name: lib\nversion: 1\nbuild: {}\n"),
    ("lib2.yml", "name: lib\nbuild: {path: dist}\n"),
    ("cog.yaml", "build: {gpu: true, python_version: '3.10', python_packages: [a]}\nimage: r8.im/x\nname: y\n"),
    ("nni.yml", "trial: {command: python a.py, codeDir: .}\nenvironment: {image: foo}\n"),
    ("batch.yml", "command: run\njobs: [{name: a, environment: {image: foo}}]\n"),
    ("run.yml", "target: prod\nenvironment: {docker: {enabled: true}}\n"),
    ("framework.yml", "framework: flask\nenvironment: {python: {version: '3'}, docker: {arguments: [a]}}\n"),
    ("mlflow/MLproject.yaml", "name: a\nconda_env: conda.yaml\nentry_points: {main: {command: python a.py}}\n"),
    ("dvc.yaml", "stages:\n  train: {cmd: python a.py, deps: [a.py]}\n"),
    ("mkdocs.yml", "site_name: a\nextra: {build: {path: x}}\n"),
    ("openapi.yml", "openapi: 3.0.0\ninfo: {title: a, version: 1}\npaths: {}\n"),
    ("kubeflow.yml", "name: train\nimplementation: {container: {image: a/b, command: [python]}}\n"),
    ("databricks.json", "{\"name\": \"etl\", \"spark\": {\"packages\": [\"org.x:y:1\"], \"repositories\": []}}"),
    ("job.json", "{\"app\": \"etl\", \"spark\": {\"master\": \"local\", \"packages\": [\"a:b:1\"], \"conf\": {}}}"),
    ("renovate.json", "{\"docker\": {\"enabled\": false}, \"python\": {\"enabled\": true}}"),
    ("package.json", "{\"name\": \"a\", \"docker\": {\"enabled\": true, \"arguments\": []}, \"spark\": {}}"),
    (
        ".vscode/settings.json",
        "{\n  // a comment\n  \"python\": {\"interpreterPath\": \"python\"},\n  \"docker\": {\"enabled\": true},\n}",
    ),
    (
        "devcontainer.json",
        "{\"name\": \"a\", \"image\": \"mcr.microsoft.com/devcontainers/base\", \"build\": {\"dockerfile\": \"Dockerfile\"}}",
    ),
    (
        "bentofile.json",
        "{\"docker\": {\"base_image\": \"a\", \"platform\": \"linux\"}, \"python\": {\"packages\": [\"a\"]}}",
    ),
    ("etl.json", "{\"name\": \"etl\", \"spark\": null}"),
    ("train.py", "from gym import Environment\nenv = Environment('a')\nenv.spark.packages = ['a']\n"),
    (
        "jinja.py",
        "from jinja2 import Environment\nimport azureml_like\nenv = Environment()\nenv.spark.precache_packages = True\n",
    ),
    (
        "nb.ipynb",
        "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"env.spark.packages = []\"], \"metadata\": {}, \"outputs\": [], \"execution_count\": null}], \"metadata\": {}, \"nbformat\": 4, \"nbformat_minor\": 4}",
    ),
];

#[test]
fn files_of_other_tools_are_none_of_ours() {
    for flags in [&[][..], &["--unsafe"], &["--only", "key-spelling"], &["--only", "spark-precache"]] {
        let here = Sandbox::with(&FILES);
        here.write("Dockerfile", "FROM scratch\n");
        let before = here.files();
        let arguments: Vec<&str> = flags.iter().copied().chain(["--format", "json", "."]).collect();
        let report = here.run(&arguments).exits(0).json();
        assert_eq!(report["findings"].as_array().map(Vec::len), Some(0), "{:#}", report["findings"]);
        assert_eq!(report["files"].as_array().map(Vec::len), Some(1), "{:#}", report["files"]);
        assert!(here.files() == before, "a file was changed");
    }
}

#[test]
fn a_file_that_a_person_names_may_be_a_definition_without_saying_so_plainly() {
    let here =
        Sandbox::with(&[("env.yml", "name: a\nimage: nginx\nbuild: {path: .}\n"), ("Dockerfile", "FROM scratch\n")]);
    here.run(&["env.yml"]).exits(0).says(&["env.yml:2", "names an image and a build context"]);
    let here = Sandbox::with(&[("env.yml", "Name: a\nimage: nginx:1\n")]);
    here.run(&["env.yml"]).exits(0).says(&["held back", "nothing in the file says for certain"]);
    assert_eq!(here.read("env.yml"), "Name: a\nimage: nginx:1\n");
}
