//! The build directory of one of several jobs: the user's configuration over the layers in the
//! job's own work trees, kept from run to run as `$BUILDDIR-job<number>`.

use super::{BuildDirs, LEAVING, before, conf, copy};
use crate::{Base, OeError, Worktrees, server};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// devtool's settings name the workspace of the directory that they lie in.
const DEVTOOL_CONF: &str = "devtool.conf";
const BBLAYERS_CONF: &str = "bblayers.conf";

impl BuildDirs {
    /// Where the build directory of a job is, and beside it its machines' own.
    #[must_use]
    pub fn folder_of_job(&self, number: usize) -> PathBuf {
        let mut path = self.original().as_os_str().to_owned();
        path.push(format!("-job{number}"));
        path.into()
    }

    /// The build directories of job `number` out of `jobs` that share the host. `base` is the
    /// user's build configuration.
    pub fn for_job(
        &self,
        number: usize,
        jobs: usize,
        base: &Base,
        worktrees: &Worktrees,
    ) -> Result<Self, OeError> {
        let folder = self.folder_of_job(number);
        let (from, to) = (self.original().join("conf"), folder.join("conf"));
        let environment = self.environment.with_build_dir(folder.clone());
        let tool_conf = environment.tool_conf();
        let tools = tool_conf.file_name().map(Path::new).unwrap_or(&tool_conf);
        let own = [tools, Path::new(BBLAYERS_CONF), Path::new(DEVTOOL_CONF)];
        copy::mirror(&from, &to, &own)?;
        // What the user has in there; the machine and auh's own lines come on top.
        copy::write_if_different(&tool_conf, self.conf.text().as_bytes())?;
        let bblayers = self.bblayers(&folder, number, base, worktrees)?;
        copy::write_if_different(&to.join(BBLAYERS_CONF), bblayers.as_bytes())?;
        copy::seed_code_parser(self.original(), &folder)?;
        before::empty_workspace(&folder.join("workspace"))?;
        let mut dirs = Self::at_rest(environment, &self.machines)?;
        dirs.threads = self.threads;
        dirs.more_lines.clone_from(&self.more_lines);
        // Nobody but auh works here: a server is one that a run left.
        server::wait_until_gone(dirs.original(), LEAVING);
        dirs.note_use(dirs.original());
        dirs.switch_original(&dirs.machines[0])?;
        dirs.workspace.keep();
        dirs.jobs = jobs;
        dirs.learn(&self.base_of_job(number, base))?;
        Ok(dirs)
    }

    /// The build configuration as the job's build directory has it: with folders of its own.
    #[must_use]
    pub fn base_of_job(&self, number: usize, base: &Base) -> Base {
        let folder = self.folder_of_job(number);
        let mut base = base.clone();
        for variable in ["TMPDIR", "BUILDHISTORY_DIR"] {
            if let Some(Some(path)) = base.variables.get_mut(variable) {
                *path = match Path::new(path.as_str()).strip_prefix(self.original()) {
                    Ok(within) => folder.join(within).to_string_lossy().into_owned(),
                    Err(_) => format!("{path}-job{number}"),
                };
            }
        }
        base
    }

    /// The user's `bblayers.conf` with the layers of the work trees instead of the user's own, and
    /// with the folders that are shared.
    fn bblayers(
        &self,
        folder: &Path,
        number: usize,
        base: &Base,
        worktrees: &Worktrees,
    ) -> Result<String, OeError> {
        let path = self.original().join("conf").join(BBLAYERS_CONF);
        let text = fs::read(&path).map_err(OeError::io("read", &path))?;
        let others = base.layers.iter().filter(|path| *path != self.workspace());
        let mut layers: Vec<PathBuf> = others.map(|path| worktrees.there(path)).collect();
        let workspace = folder.join("workspace");
        // Made by devtool the first time, and kept: BitBake refuses a layer that is not there.
        if workspace.join("conf/layer.conf").is_file() {
            layers.push(workspace);
        }
        let mut lines = String::from("BBLAYERS = \" \\\n");
        for layer in &layers {
            lines += &format!("  {} \\\n", copy::quotable(layer)?);
        }
        lines += "  \"\n";
        lines += &copy::shared_lines(base, self.original(), &format!("job{number}"))?;
        // devtool adds its workspace to the first assignment that it finds, and it has to count.
        let text = conf::without_assignments(&String::from_utf8_lossy(&text), "BBLAYERS");
        Ok(conf::with_block(&text, &lines))
    }
}
