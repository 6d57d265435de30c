//! `--report FORMAT=PATH`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::render::form::Form;

/// A report, and the file that it is to be in
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Its format
    pub form: Form,
    /// Replaced as a whole
    pub path: PathBuf,
}

impl ReportFile {
    /// Reads `FORMAT=PATH`
    ///
    /// # Errors
    /// There is no such format, or no path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (form, path) = text.split_once('=').ok_or("it has to be FORMAT=PATH")?;
        let form = Form::from_str(form, false).map_err(|_| {
            let forms: Vec<_> = Form::value_variants().iter().map(|form| name(*form)).collect();
            format!("there is no format {form:?}; there are {}", forms.join(", "))
        })?;
        if path.is_empty() {
            return Err("the path is empty".to_owned());
        }
        Ok(Self { form, path: path.into() })
    }

    /// The name of its format
    pub fn form(&self) -> String {
        name(self.form)
    }
}

fn name(form: Form) -> String {
    form.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_format_that_there_is_and_a_path_which_may_hold_any_sign() {
        let report = ReportFile::parse("json=a=b c").unwrap();
        assert_eq!((report.form, report.path), (Form::Json, PathBuf::from("a=b c")));
        for (text, why) in [
            ("json", "it has to be FORMAT=PATH"),
            ("json=", "the path is empty"),
            ("yaml=x", "there is no format \"yaml\"; there are text, diff, json"),
        ] {
            let found = ReportFile::parse(text).unwrap_err();
            assert!(found.starts_with(why), "{found}");
        }
    }
}
