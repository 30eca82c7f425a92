//! The step against the pretended host.

use super::*;
use auh_sdk::{
    CommandResult, Exit, RecipeStatus,
    pretend::{self, PretendHost, ended},
};

fn options(more: &[(&str, &str)]) -> Options {
    let mut options = pretend::options(&manifest(), more);
    options.insert(
        "argv".into(),
        vec!["/opt/tools/lint", "-v"].into_iter().collect(),
    );
    options
}

fn request(folder: &Path, action: &str) -> StepRequest {
    let recipes = ["hello", "mhello"].map(|name| pretend::recipe(folder, name));
    pretend::request(folder, action, recipes.into(), &["m1"])
}

fn ran(result: CommandResult, action: &str) -> (StepOutcome, RunCommand) {
    let host = PretendHost::new(move |_| result.clone());
    let step = create(&options(&[])).unwrap();
    let outcome = step
        .run(&request(Path::new("/run/all/hello"), action), &host.host())
        .unwrap();
    (outcome, host.commands().remove(0))
}

/// Each recipe with its status in a word and what there is to say.
fn statuses(outcome: &StepOutcome) -> Vec<String> {
    let described = |status: &RecipeStatus| match status {
        RecipeStatus::Succeeded => "succeeded".to_owned(),
        RecipeStatus::Failed(failure) => format!("{}: {}", failure.class, failure.message),
        RecipeStatus::Skipped { reason } => format!("skipped: {reason}"),
    };
    let recipes = outcome.recipes.iter();
    recipes
        .map(|known| format!("{} {}", known.recipe, described(&known.status)))
        .collect()
}

#[test]
fn the_program_gets_the_request_and_the_variables() {
    let (_, command) = ran(ended(0, "", ""), "lint");
    assert_eq!(command.argv, ["/opt/tools/lint", "-v"]);
    assert_eq!(command.label, "lint lint");
    assert_eq!(command.place, Place::BuildDir);
    assert_eq!(
        command.log.as_deref(),
        Some(Path::new("/run/all/hello/command-lint.log"))
    );
    let sent: StepRequest = serde_json::from_str(&command.stdin.unwrap()).unwrap();
    assert_eq!(sent, request(Path::new("/run/all/hello"), "lint"));
    let variable = |name: &str| {
        let found = command.env.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(variable("AUH_RECIPES"), Some("hello mhello"));
    assert_eq!(variable("AUH_ACTION"), Some("lint"));
    assert_eq!(variable("AUH_FAILED"), Some("no"));
}

#[test]
fn status_0_and_no_json_is_a_success() {
    for text in ["", "all is well\n"] {
        let (outcome, _) = ran(ended(0, text, "a warning"), "run");
        assert_eq!(
            statuses(&outcome),
            ["hello succeeded", "mhello succeeded"],
            "{text}"
        );
    }
}

#[test]
fn another_status_fails_every_recipe_with_the_last_line_of_standard_error() {
    let (outcome, command) = ran(ended(3, "{}", "first\nno licence file\n\n"), "run");
    let message = "test: lint exited with status 3: no licence file";
    assert_eq!(
        statuses(&outcome),
        [format!("hello {message}"), format!("mhello {message}")]
    );
    let RecipeStatus::Failed(failure) = &outcome.recipes[0].status else {
        panic!("it failed");
    };
    assert_eq!(failure.log, command.log);
}

#[test]
fn an_outcome_on_standard_output_counts_and_the_rest_succeeds() {
    let answer = r#"
        {"recipes": [{"recipe": "mhello", "status": "failed", "class": "licence", "message": "odd"}],
         "notes": ["looked at two recipes"]}"#;
    let (outcome, _) = ran(ended(0, answer, ""), "run");
    assert_eq!(
        statuses(&outcome),
        ["mhello licence: odd", "hello succeeded"]
    );
    assert_eq!(outcome.notes, ["looked at two recipes"]);
}

#[test]
fn json_of_another_form_is_the_programs_fault() {
    let (outcome, _) = ran(ended(0, "{\"recipes\": 7}", ""), "run");
    let statuses = statuses(&outcome);
    let start = "hello plugin: lint wrote an outcome that is not understood: ";
    assert!(statuses[0].starts_with(start), "{statuses:?}");
}

#[test]
fn a_time_limit_and_a_signal_are_told_apart() {
    let with = |exit| CommandResult {
        exit,
        ..ended(0, "", "")
    };
    let first = |result| statuses(&ran(result, "run").0).remove(0);
    assert_eq!(
        first(with(Exit::TimedOut)),
        "hello hang: lint was stopped by its time limit after 0 s"
    );
    assert_eq!(
        first(with(Exit::Signal(9))),
        "hello test: lint was ended by signal 9"
    );
}

#[test]
fn about_the_whole_run_it_works_in_the_runs_folder() {
    let (_, command) = ran(ended(0, "", ""), WHOLE_RUN);
    let log = command.log.unwrap();
    assert!(log.ends_with("command-whole-run.log"), "{}", log.display());
}

#[test]
fn settings_choose_place_class_and_limit_and_need_a_program() {
    let mut all = options(&[("start-in", "group-folder"), ("failure-class", "licence")]);
    all.insert("time-limit".into(), 60.into());
    let step = create(&all).unwrap();
    assert_eq!(step.settings.class, FailureClass::Licence);
    assert_eq!(step.settings.time_limit, Some(60));
    assert_eq!(step.settings.start, Start::GroupFolder);
    for (argv, message) in [
        (vec![], "argv names no program"),
        (
            vec!["tools/lint"],
            "argv starts with \"tools/lint\"; write a name or an absolute path",
        ),
    ] {
        all.insert("argv".into(), argv.into_iter().collect());
        assert_eq!(create(&all).err().unwrap().to_string(), message);
    }
}
