//! What chaperone sets for ghost in the environment of varnishd.

use std::env;
use std::time::Duration;

use ghost_upstream::Settings;
use varnish::ffi::VslTag;

use crate::log;

/// How many requests to backends may be in flight, those to all services together.
const MAX_BACKEND_REQUESTS: &str = "GHOST_MAX_BACKEND_REQUESTS";

/// How many of them may be to one service.
const MAX_BACKEND_REQUESTS_PER_SERVICE: &str = "GHOST_MAX_BACKEND_REQUESTS_PER_SERVICE";

/// How long it may take until a request has come to its end, in milliseconds.
const REQUEST_TIMEOUT: &str = "GHOST_REQUEST_TIMEOUT_MS";

/// The upstream's settings, as far as the environment has them. What cannot be read is logged and ignored:
/// the gateway serves with the default rather than not at all.
pub fn settings() -> Settings {
    read(|name| env::var(name).ok(), |problem| log::global(VslTag::Error, problem))
}

fn read(variable: impl Fn(&str) -> Option<String>, complain: impl Fn(&str)) -> Settings {
    let number = |name: &str| {
        let text = variable(name)?;
        let number = text.parse::<u32>().ok().filter(|&number| number > 0);
        if number.is_none() {
            complain(&format!("ghost: {name}={text:?} is no number above 0, and is ignored"));
        }
        number
    };
    let mut settings = Settings::default();
    if let Some(limit) = number(MAX_BACKEND_REQUESTS) {
        settings.max_in_flight_total = limit as usize;
    }
    if let Some(limit) = number(MAX_BACKEND_REQUESTS_PER_SERVICE) {
        settings.max_in_flight_service = Some(limit as usize);
    }
    if let Some(time) = number(REQUEST_TIMEOUT) {
        settings.request_timeout = Duration::from_millis(time.into());
    }
    settings
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn of(limit: Option<&str>, service: Option<&str>, time: Option<&str>) -> (Settings, usize) {
        let problems = RefCell::new(0);
        let variable = |name: &str| {
            let text = match name {
                MAX_BACKEND_REQUESTS => limit,
                MAX_BACKEND_REQUESTS_PER_SERVICE => service,
                _ => time,
            };
            text.map(str::to_owned)
        };
        let settings = read(variable, |_| *problems.borrow_mut() += 1);
        (settings, problems.into_inner())
    }

    #[test]
    fn the_environment_sets_the_bounds() {
        assert_eq!(of(None, None, None), (Settings::default(), 0));
        let settings = Settings {
            max_in_flight_total: 500,
            max_in_flight_service: Some(100),
            request_timeout: Duration::from_millis(1500),
            ..Settings::default()
        };
        assert_eq!(of(Some("500"), Some("100"), Some("1500")), (settings, 0));
    }

    #[test]
    fn what_is_no_number_above_zero_is_told_and_ignored() {
        for text in ["", "0", "-1", "1.5", "many", "99999999999"] {
            assert_eq!(of(Some(text), Some(text), Some(text)), (Settings::default(), 3), "{text:?}");
        }
    }
}
