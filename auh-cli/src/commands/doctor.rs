//! `auh doctor`: everything that a run needs, checked without changing anything. What is looked at
//! is what the preparation of an upgrade looks at, but all of it, where an upgrade ends at the first
//! thing that is wrong.

mod build;
mod findings;
mod host;
mod mails;
mod plugins;
mod recipes;
mod runs;

use crate::{args::Doctor, exit, preparation, screen::Waiting, signals, terminal};
use anyhow::Result;
use auh_config::{Flags, Load, Settings};
use auh_engine::{Pipeline, Stop};
use auh_oe::{Surroundings, Wanted};
use findings::Findings;
use std::{env, path::Path};

pub(crate) fn doctor(args: &Doctor) -> Result<exit::Status> {
    let wanted = match &args.recipes[..] {
        [] => None,
        recipes => Some(preparation::wanted(recipes)?),
    };
    let stop = Stop::default();
    signals::listen(&stop)?;
    let waiting = Waiting::begin("examining what a run needs");
    let mut examination = Examination {
        args,
        stop,
        findings: Findings::default(),
    };
    examination.carry_out(wanted.as_ref())?;
    waiting.end();
    if examination.stop.requested() {
        return Ok(exit::STOPPED);
    }
    let findings = examination.findings;
    match args.json {
        true => terminal::output(&findings.document()),
        false => terminal::output_painted(&findings.table(), Findings::colour_of),
    }
    Ok(if findings.problems() == 0 {
        exit::GOOD
    } else {
        exit::ENVIRONMENT
    })
}

/// The findings so far, and what all checks need.
struct Examination<'a> {
    args: &'a Doctor,
    stop: Stop,
    findings: Findings,
}

impl Examination<'_> {
    /// Goes from what needs nothing to what needs all of it.
    fn carry_out(&mut self, wanted: Option<&Wanted>) -> Result<()> {
        let tools = self.tools()?;
        let build_dir = self.build_dir();
        self.identity(build_dir.as_deref())?;
        let settings = self.settings(build_dir.as_deref())?;
        let pipeline = match &settings {
            Some(settings) => self.pipeline(settings)?,
            None => self.every_plugin()?,
        };
        if let (Some(settings), Some(pipeline)) = (&settings, &pipeline) {
            self.mails(settings, pipeline);
        }
        let Some(build_dir) = build_dir else {
            return Ok(());
        };
        self.hard_assignment(&build_dir);
        self.workspace(&build_dir, wanted);
        let runs_now = self.lock(&build_dir);
        if let Some(settings) = &settings {
            self.last_run(settings);
        }
        if tools && !runs_now {
            self.configuration(&build_dir, settings.as_ref(), pipeline.as_ref(), wanted);
        }
        Ok(())
    }

    /// The settings, if they can be used.
    fn settings(&mut self, build_dir: Option<&Path>) -> Result<Option<Settings>> {
        const CHECK: &str = "settings";
        let flags = Flags {
            send_emails: self.args.send_emails,
            ..Flags::default()
        };
        let load: Load = match (build_dir, &self.args.settings.config_file) {
            (Some(folder), _) => preparation::load(folder, &self.args.settings, flags)?,
            // A file alone can be read anywhere.
            (None, Some(_)) => preparation::load(&env::current_dir()?, &self.args.settings, flags)?,
            (None, None) => return Ok(None),
        };
        match Settings::load_or_all_errors(&load) {
            Ok(settings) => {
                for warning in &settings.warnings {
                    self.findings
                        .warning(CHECK, warning.to_string(), warning.hint.clone());
                }
                if settings.warnings.is_empty() {
                    self.findings.good(CHECK, "they can be used");
                }
                Ok(Some(settings))
            }
            Err(errors) => {
                for error in errors {
                    self.findings.failed(CHECK, error);
                }
                Ok(None)
            }
        }
    }

    /// What only BitBake knows, and what follows from it.
    fn configuration(
        &mut self,
        build_dir: &Path,
        settings: Option<&Settings>,
        pipeline: Option<&Pipeline>,
        wanted: Option<&Wanted>,
    ) {
        let surroundings = Surroundings::plain(build_dir);
        let Some(response) = self.read_configuration(&surroundings, pipeline, wanted, settings)
        else {
            return;
        };
        if let Some(settings) = settings {
            self.machines(settings, &response.base, build_dir);
        }
        self.layers(&response.base, build_dir);
        if let Some(pipeline) = pipeline {
            self.requirements(pipeline, &response.base);
        }
        self.disk(settings, &response.base);
        if let (Some(settings), Some(wanted)) = (settings, wanted) {
            self.recipes(wanted, settings, &response);
        }
    }
}
