//! Settings with their origin: a flag goes before the environment.
//!
//! Every option that is not one message's content has the variable `SMTPSEND_` + its name. Here
//! text becomes values; an error names the flag or the variable it came from.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::failure::{Failure, Kind};

/// Where a value came from; its text is what an error names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--name`.
    Flag(String),
    /// `SMTPSEND_NAME`.
    Environment(String),
}

impl Origin {
    /// The flag or the variable.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Flag(name) | Self::Environment(name) => name,
        }
    }
}

/// The environment, as a function so that tests have their own.
pub(crate) struct Settings<'e> {
    environment: &'e dyn Fn(&str) -> Option<OsString>,
}

impl<'e> Settings<'e> {
    pub(crate) fn new(environment: &'e dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { environment }
    }

    /// The variable of this name, unless it is empty.
    pub(crate) fn variable(&self, name: &str) -> Option<(Origin, OsString)> {
        let name = format!("SMTPSEND_{}", name.replace('-', "_").to_uppercase());
        let value = (self.environment)(&name).filter(|value| !value.is_empty())?;
        Some((Origin::Environment(name), value))
    }

    /// The text of a setting and where it came from.
    pub(crate) fn text(
        &self,
        name: &str,
        flag: Option<&String>,
    ) -> Result<Option<(Origin, String)>> {
        if let Some(text) = flag {
            return Ok(Some((Origin::Flag(format!("--{name}")), text.clone())));
        }
        match self.variable(name) {
            None => Ok(None),
            Some((origin, value)) => match value.into_string() {
                Ok(text) => Ok(Some((origin, text))),
                Err(_) => Err(Failure::new(Kind::Config, "not valid UTF-8"))
                    .context(origin.name().to_owned()),
            },
        }
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// What the value's parser says, with the flag or variable named. Usage is a flag's fault;
    /// from the environment it is `Config`.
    pub(crate) fn value<T>(
        &self,
        name: &str,
        flag: Option<&String>,
        parse: fn(&str) -> crate::failure::Result<T>,
    ) -> Result<Option<T>> {
        let Some((origin, text)) = self.text(name, flag)? else {
            return Ok(None);
        };
        parse(&text)
            .map(Some)
            .map_err(|failure| blamed(failure, &origin))
            .context(origin.name().to_owned())
    }

    /// A setting that is a path.
    pub(crate) fn path(&self, name: &str, flag: Option<&PathBuf>) -> Option<(Origin, PathBuf)> {
        match flag {
            Some(path) => Some((Origin::Flag(format!("--{name}")), path.clone())),
            None => self
                .variable(name)
                .map(|(origin, value)| (origin, PathBuf::from(value))),
        }
    }

    /// A setting that is on or off.
    pub(crate) fn switch(&self, name: &str, flag: bool) -> Result<bool> {
        if flag {
            return Ok(true);
        }
        Ok(self.value(name, None, on_or_off)?.unwrap_or(false))
    }
}

/// The kind a bad value has by its origin.
fn blamed(failure: Failure, origin: &Origin) -> Failure {
    match (failure.kind, origin) {
        (Kind::Usage, Origin::Environment(_)) => Failure {
            kind: Kind::Config,
            ..failure
        },
        _ => failure,
    }
}

/// Any type that reads itself from text.
pub(crate) fn parsed<T: FromStr<Err = Failure>>(text: &str) -> crate::failure::Result<T> {
    text.parse()
}

fn on_or_off(text: &str) -> crate::failure::Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is neither on nor off"),
        )),
    }
}

/// Seconds: more than 0, at most a week; decimals allowed.
pub(crate) fn seconds(text: &str) -> crate::failure::Result<Duration> {
    const WEEK: f64 = 604_800.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= WEEK => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is no number of seconds (more than 0, at most 604800)"),
        )),
    }
}

/// A count of 0 to 100.
pub(crate) fn count(text: &str) -> crate::failure::Result<u32> {
    match text.parse() {
        Ok(count @ 0..=100) => Ok(count),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is no number from 0 to 100"),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<OsString> {
        match name {
            "SMTPSEND_CONNECT_TIMEOUT" => Some("7".into()),
            "SMTPSEND_TIMEOUT" => Some("soon".into()),
            "SMTPSEND_QUIET" => Some("Yes".into()),
            "SMTPSEND_USER" => Some("".into()),
            _ => None,
        }
    }

    #[test]
    fn a_flag_goes_before_the_environment() {
        let settings = Settings::new(&environment);
        let value =
            |flag: Option<&String>| settings.value("connect-timeout", flag, seconds).unwrap();
        assert_eq!(value(None), Some(Duration::from_secs(7)));
        assert_eq!(
            value(Some(&"0.5".to_owned())),
            Some(Duration::from_millis(500))
        );
    }

    #[test]
    fn a_bad_value_names_where_it_came_from() {
        let settings = Settings::new(&environment);
        let error = settings.value("timeout", None, seconds).unwrap_err();
        assert_eq!(error.downcast_ref::<Failure>().unwrap().kind, Kind::Config);
        assert!(format!("{error:#}").starts_with("SMTPSEND_TIMEOUT: \"soon\""));
        let error = settings
            .value("timeout", Some(&"-1".to_owned()), seconds)
            .unwrap_err();
        assert_eq!(error.downcast_ref::<Failure>().unwrap().kind, Kind::Usage);
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert!(
            Settings::new(&environment)
                .text("user", None)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn switches_come_from_the_environment_too() {
        let settings = Settings::new(&environment);
        assert!(settings.switch("quiet", false).unwrap());
        assert!(!settings.switch("verbose", false).unwrap());
    }

    #[test]
    fn nonsense_is_no_duration() {
        for text in ["", "0", "-1", "NaN", "inf", "1e9", "1s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
