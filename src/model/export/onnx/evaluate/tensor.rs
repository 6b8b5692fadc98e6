//! Values between nodes.

use super::super::proto::{DataType, TensorProto};

/// A tensor on the host, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Values,
}

/// Floats are what networks compute with; integers are sizes and indices.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

impl Tensor {
    pub fn floats(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { shape, values: Values::Floats(values) }
    }

    /// A constant of the file.
    pub(super) fn constant(proto: &TensorProto) -> Result<Self, String> {
        let fault = |what: &str| format!("constant {} {what}", proto.name);
        let shape = proto.dims.iter().map(|&size| usize::try_from(size)).collect::<Result<Vec<_>, _>>();
        let shape = shape.map_err(|_| fault("has a negative size"))?;
        let bytes = proto.raw_data.as_deref().ok_or_else(|| fault("holds no raw numbers"))?;
        let values = match proto.data_type() {
            DataType::Float => {
                Values::Floats(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
            }
            DataType::Int64 => {
                Values::Integers(bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect())
            }
            DataType::Undefined => return Err(fault("is of an unknown type")),
        };
        let tensor = Self { shape, values };
        let count: usize = tensor.shape.iter().product();
        if count == tensor.len() { Ok(tensor) } else { Err(fault("does not fill its shape")) }
    }

    fn len(&self) -> usize {
        match &self.values {
            Values::Floats(values) => values.len(),
            Values::Integers(values) => values.len(),
        }
    }

    pub(super) fn as_floats(&self) -> Result<&[f32], String> {
        match &self.values {
            Values::Floats(values) => Ok(values),
            Values::Integers(_) => Err("integers where floats belong".into()),
        }
    }

    pub(super) fn as_integers(&self) -> Result<&[i64], String> {
        match &self.values {
            Values::Integers(values) => Ok(values),
            Values::Floats(_) => Err("floats where integers belong".into()),
        }
    }

    /// Sizes of a tensor of `D` dimensions.
    pub(super) fn sizes<const D: usize>(&self) -> Result<[usize; D], String> {
        let wrong = || format!("shape {:?} where {D} dimensions belong", self.shape);
        self.shape.as_slice().try_into().map_err(|_| wrong())
    }
}
