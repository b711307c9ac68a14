//! From a [`Function`] to what the query engine calls: types without coercion, arguments that are arrays or constants.

use std::hash::{Hash, Hasher};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::{Body, Function, output};

pub(super) fn udf(function: &'static Function) -> ScalarUDF {
    let signature = Signature::new(TypeSignature::UserDefined, Volatility::Immutable);
    ScalarUDF::new_from_impl(Kernel { function, signature })
}

#[derive(Debug)]
struct Kernel {
    function: &'static Function,
    signature: Signature,
}

// A function is its name: there is one list, and names in it are unique (a test says so).
impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Kernel {}

impl Hash for Kernel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for Kernel {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.function.returns.data_type())
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let function = self.function;
        let fixed = function.parameters.len();
        let complete = match function.repeated {
            0 => given.len() == fixed,
            repeated => given.len() >= fixed && (given.len() - fixed).is_multiple_of(repeated),
        };
        if !complete {
            return plan_err!("`{}` does not take {} arguments", function.signature(), given.len());
        }
        given
            .iter()
            .enumerate()
            .map(|(index, given)| match function.parameter(index) {
                Some(parameter) => parameter.kind.accepts(given).map_or_else(
                    || {
                        plan_err!(
                            "`{}` takes {} as `{}`, not {}",
                            function.signature(),
                            parameter.kind.name(),
                            parameter.name,
                            type_name(given)
                        )
                    },
                    Ok,
                ),
                None => plan_err!("`{}` does not take {} arguments", function.signature(), index + 1),
            })
            .collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Body::Kernel(evaluate) = self.function.body else {
            return internal_err!("`{}` stands for an expression and was not expanded", self.function.name);
        };
        // Constants alone are one row, whatever the batch.
        let constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let result = evaluate(&Call { arguments: &args.args, rows })?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

fn type_name(given: &DataType) -> String {
    match given {
        given if given.is_string() => "text".to_owned(),
        DataType::Int64 => "an integer".to_owned(),
        DataType::Decimal128(..) => "a number".to_owned(),
        DataType::Boolean => "a boolean".to_owned(),
        DataType::Date32 => "a date".to_owned(),
        DataType::Timestamp(..) => "a datetime".to_owned(),
        other => other.to_string(),
    }
}

/// The arguments of one call on one batch.
#[derive(Debug)]
pub struct Call<'a> {
    arguments: &'a [ColumnarValue],
    pub(super) rows: usize,
}

impl<'a> Call<'a> {
    #[cfg(test)]
    pub(super) fn new(arguments: &'a [ColumnarValue], rows: usize) -> Self {
        Self { arguments, rows }
    }

    pub(super) fn len(&self) -> usize {
        self.arguments.len()
    }

    fn argument(&self, index: usize) -> Result<&'a ColumnarValue> {
        match self.arguments.get(index) {
            Some(argument) => Ok(argument),
            None => internal_err!("argument {index} is missing"),
        }
    }

    pub(super) fn text(&self, index: usize) -> Result<Texts<'a>> {
        match self.argument(index)? {
            ColumnarValue::Scalar(ScalarValue::Utf8View(text)) => Ok(Texts::Constant(text.as_deref())),
            ColumnarValue::Array(array) => match array.as_string_view_opt() {
                Some(array) => Ok(Texts::Column(array)),
                None => internal_err!("argument {index} is not text"),
            },
            ColumnarValue::Scalar(_) => internal_err!("argument {index} is not text"),
        }
    }

    /// All arguments from `first` on.
    pub(super) fn texts_from(&self, first: usize) -> Result<Vec<Texts<'a>>> {
        (first..self.len()).map(|index| self.text(index)).collect()
    }

    pub(super) fn values<T: ArrowPrimitiveType>(&self, index: usize) -> Result<Values<T>> {
        match self.argument(index)? {
            ColumnarValue::Array(array) => match array.as_primitive_opt() {
                Some(array) => Ok(Values::Column(array.clone())),
                None => internal_err!("argument {index} has another type than its parameter"),
            },
            ColumnarValue::Scalar(scalar) => match scalar.to_array()?.as_primitive_opt::<T>() {
                Some(array) => Ok(Values::Constant(array.iter().next().flatten())),
                None => internal_err!("argument {index} has another type than its parameter"),
            },
        }
    }

    /// Text made from text row by row; `None` from `change` is null. Where no value of a column changes, the column
    /// itself is the result.
    pub(super) fn map_text(
        &self,
        index: usize,
        change: impl for<'t> Fn(&'t str) -> output::Changed<'t>,
    ) -> Result<ArrayRef> {
        self.map_text_rows(index, |_, text| change(text))
    }

    /// The same for functions with further arguments. `change` is asked twice for one row of each batch.
    pub(super) fn map_text_rows(
        &self,
        index: usize,
        change: impl for<'t> FnMut(usize, &'t str) -> output::Changed<'t>,
    ) -> Result<ArrayRef> {
        Ok(match self.text(index)? {
            Texts::Constant(text) => {
                output::change(&StringViewArray::from_iter(std::iter::repeat_n(text, self.rows)), change)
            }
            Texts::Column(array) => output::change(array, change),
        })
    }
}

/// A text argument.
#[derive(Debug, Clone, Copy)]
pub(super) enum Texts<'a> {
    Constant(Option<&'a str>),
    Column(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    #[inline]
    pub(super) fn get(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Constant(text) => text,
            Self::Column(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }

    pub(super) fn iter(self, rows: usize) -> impl Iterator<Item = Option<&'a str>> {
        (0..rows).map(move |row| self.get(row))
    }
}

/// A constant text compiled once; a column of texts compiled whenever the text differs from the row before.
pub(super) struct Compiled<'a, T> {
    texts: Texts<'a>,
    compile: fn(&str) -> Option<T>,
    last: Option<(&'a str, Option<T>)>,
}

impl<'a, T> Compiled<'a, T> {
    pub(super) fn new(texts: Texts<'a>, compile: fn(&str) -> Option<T>) -> Self {
        Self { texts, compile, last: None }
    }

    #[inline]
    pub(super) fn get(&mut self, row: usize) -> Option<&T> {
        let text = self.texts.get(row)?;
        let same = |last: &(&str, Option<T>)| matches!(self.texts, Texts::Constant(_)) || last.0 == text;
        if !self.last.as_ref().is_some_and(same) {
            self.last = Some((text, (self.compile)(text)));
        }
        self.last.as_ref()?.1.as_ref()
    }
}

/// An argument of numbers, dates or instants.
#[derive(Debug)]
pub(super) enum Values<T: ArrowPrimitiveType> {
    Constant(Option<T::Native>),
    Column(PrimitiveArray<T>),
}

impl<T: ArrowPrimitiveType> Values<T> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<T::Native> {
        match self {
            Self::Constant(value) => *value,
            Self::Column(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}
