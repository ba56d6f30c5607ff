//! Writers over a few rows with everything that can go wrong.
