// The sizes of a linear layer's product, in front of both of its forms.

struct Params {
    rows: u32,
    terms: u32,
    columns: u32,
}

