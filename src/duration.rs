//! `90`, `90s`, `1.5m`, `500ms`, `1h` -> a length of time: one way to write it on the command line and in a scenario. Pure.

use std::time::Duration;

/// More is a slip of the pen, and far more could not be added to the time of day
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The length of time that `text` says; seconds without a unit
///
/// # Errors
/// What is wrong with it, and how to write it.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let refused = |_| format!("{text:?} is not a length of time; write it as 500ms, 30s or 2m");
    let number: f64 = number.parse().map_err(refused)?;
    let scale = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("{unit:?} is no unit of time; use ms, s, m or h")),
    };
    // What is too long for a `Duration` is too long for us.
    match Duration::try_from_secs_f64(number * scale) {
        Ok(length) if length <= LONGEST => Ok(length),
        _ => Err("a week is the longest".to_owned()),
    }
}

/// The same for what makes no sense without any time
///
/// # Errors
/// Likewise.
pub fn positive(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("it has to be more than nothing".to_owned()),
        length => Ok(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_units_and_default_to_seconds() {
        for (text, milliseconds) in
            [("90", 90_000), ("1.5s", 1_500), ("3m", 180_000), ("500ms", 500), ("0", 0), ("2h", 7_200_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        assert!(positive("0ms").is_err() && positive("1ms") == Ok(Duration::from_millis(1)));
        assert!(
            parse("soon").is_err() && parse("3 m").is_err() && parse("").is_err() && parse("-1").is_err()
        );
        assert!(parse("168h").is_ok());
        for long in ["169h", "3000000000000000h", &"9".repeat(400)] {
            assert_eq!(parse(long).unwrap_err(), "a week is the longest", "{long}");
        }
    }
}
