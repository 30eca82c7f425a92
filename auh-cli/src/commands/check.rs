//! `auh check`: what is new upstream, and what an upgrade would attempt.

use crate::{
    args::{Check, Format},
    commands::plugin::columns,
    exit, preparation, signals, terminal,
};
use anyhow::Result;
use auh_config::Flags;
use auh_engine::{Selection, Stop, select};
use auh_oe::{Environment, SessionResponse, Surroundings};
use serde_json::{Value, json};

pub(crate) fn check(args: &Check) -> Result<exit::Status> {
    let wanted = preparation::wanted(&args.recipes)?;
    let environment = Environment::of_this_process()?;
    let flags = Flags {
        stable: args.stable,
        ..Flags::default()
    };
    let settings = preparation::settings(environment.build_dir(), &args.settings, flags)?;
    let stop = Stop::default();
    signals::listen(&stop)?;
    // The user's configuration as it is: a check changes nothing.
    let surroundings = Surroundings::plain(environment.build_dir());
    let checked = preparation::check(
        &wanted,
        &settings,
        Vec::new(),
        false,
        &surroundings,
        stop.work(),
    )?;
    let filters = preparation::filters(&settings, &wanted, None);
    let mut selection = select(&checked.response, &filters)?;
    let unfit = preparation::unfit(&selection, stop.work())?;
    preparation::leave_out(&mut selection, &unfit);
    match args.format {
        Format::Table => terminal::output(&table(&checked.response, &selection)),
        Format::Json => terminal::output(&serde_json::to_string_pretty(&document(
            &checked.response,
            &selection,
        ))?),
    }
    let failed = selection.left_out.iter().any(|left_out| left_out.failed);
    Ok(if failed {
        exit::SOME_FAILED
    } else {
        exit::GOOD
    })
}

fn table(response: &SessionResponse, selection: &Selection) -> String {
    let mut rows =
        vec![["RECIPE", "STATUS", "NOW", "NEXT", "MAINTAINER", "REMARK"].map(str::to_owned)];
    rows.extend(response.recipes.iter().map(|record| {
        let check = record.check.as_ref();
        let or_dash = |text: Option<&str>| text.filter(|t| !t.is_empty()).unwrap_or("-").to_owned();
        [
            record.pn.clone(),
            or_dash(check.map(|c| c.status.as_str())),
            or_dash(check.map(|c| c.cur_ver.as_str()).or(record.pv.as_deref())),
            or_dash(check.and_then(|c| c.next_ver.as_deref())),
            or_dash(record.maintainer.as_deref()),
            remark(&record.pn, selection),
        ]
    }));
    columns(&rows)
}

/// Why a recipe would not be attempted, or with whom it would move.
fn remark(recipe: &str, selection: &Selection) -> String {
    if let Some(left_out) = selection.left_out.iter().find(|l| l.recipe == recipe) {
        return left_out.reason.clone();
    }
    let group = selection
        .groups
        .iter()
        .find(|g| g.recipes.iter().any(|r| r.name.as_str() == recipe));
    match group {
        Some(group) if group.recipes.len() > 1 => format!("moves together as {}", group.name()),
        _ => String::new(),
    }
}

fn document(response: &SessionResponse, selection: &Selection) -> Value {
    let recipes = response.recipes.iter().map(|record| {
        let left_out = selection.left_out.iter().find(|l| l.recipe == record.pn);
        json!({
            "recipe": record.pn, "file": record.file, "version": record.pv, "maintainer": record.maintainer,
            "check": record.check, "no_upgrade_reason": record.no_upgrade_reason,
            "attempt": left_out.is_none(), "reason": left_out.map(|l| &l.reason),
            "failed": left_out.is_some_and(|l| l.failed),
        })
    });
    let groups: Vec<_> = selection
        .groups
        .iter()
        .map(|group| {
            group
                .recipes
                .iter()
                .map(|r| r.name.as_str())
                .collect::<Vec<_>>()
        })
        .collect();
    json!({
        "format": 1, "bitbake": response.bitbake, "recipes": recipes.collect::<Vec<_>>(), "groups": groups,
    })
}
