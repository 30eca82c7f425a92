//! Which variables of auh's own environment reach the commands that it runs: those that BitBake and
//! git work by, and those that the user lets pass to BitBake. All others may be nobody's business.
//!
//! BitBake cleans its environment too, but only once it runs: devtool, git, the wrappers on the
//! `PATH` and the upstream check would have seen everything by then.

use auh_process::Command;
use std::env;

/// The user's list of variables that BitBake is to see, under its names of today and of before 2022.
const ADDITIONS: [&str; 2] = ["BB_ENV_PASSTHROUGH_ADDITIONS", "BB_ENV_EXTRAWHITE"];

/// What programs need to find their files, to speak the user's language, and to reach the network.
const NAMES: [&str; 47] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "TERM",
    "COLORTERM",
    "TMPDIR",
    "TZ",
    "LANG",
    "LANGUAGE",
    "HOSTNAME",
    "EMAIL",
    // What an initialised build environment sets.
    "BUILDDIR",
    "BBPATH",
    "BBSERVER",
    "BDIR",
    "OEROOT",
    "TEMPLATECONF",
    "MACHINE",
    "DISTRO",
    "TCLIBC",
    // Proxies, certificates, agents: fetchers need them.
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "ftps_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "OPENSSL_ENGINES",
    "KRB5CCNAME",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GNUPGHOME",
];
/// Families of the same: BitBake's own, git's, the interpreter's, the dynamic linker's, locales,
/// buildtools', the user's folders.
const FAMILIES: [&str; 9] = [
    "BB_",
    "GIT_",
    "PYTHON",
    "LD_",
    "LC_",
    "OECORE_",
    "XDG_",
    "PSEUDO_",
    "PASSWORD_STORE_",
];

/// The command without the variables that are none of its business.
#[must_use]
pub(crate) fn narrowed(command: Command) -> Command {
    let additions = ADDITIONS
        .map(|name| env::var(name).unwrap_or_default())
        .join(" ");
    let names = env::vars_os().map(|(name, _)| name);
    let outside = names.filter(|name| !passes(&name.to_string_lossy(), &additions));
    outside.fold(command, Command::env_remove)
}

/// Whether a variable reaches commands, given the names that the user lets pass.
fn passes(name: &str, additions: &str) -> bool {
    if additions.split_whitespace().any(|added| added == name) {
        return true;
    }
    let known = NAMES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family));
    known && !auh_foreign::is_secret_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bitbake_needs_passes_and_nothing_else() {
        for name in [
            "PATH",
            "HOME",
            "BB_NUMBER_THREADS",
            "GIT_SSL_CAINFO",
            "LC_ALL",
            "https_proxy",
            "OECORE_NATIVE_SYSROOT",
            "AWS_PROFILE",
        ] {
            assert!(passes(name, "AWS_PROFILE X"), "{name}");
        }
        for name in [
            "SMTP_PASSWORD",
            "AUH_SMTP_PASSWORD",
            "GITHUB_TOKEN",
            "GIT_TOKEN",
            "AUH_PLUGIN_PATH",
            "CI_JOB_JWT",
            "pathology",
        ] {
            assert!(!passes(name, "AWS_PROFILE X"), "{name}");
        }
        assert!(
            passes("GITHUB_TOKEN", "GITHUB_TOKEN"),
            "the user knows best"
        );
    }
}
