//! Our catalog of OCSF 1.3.0: classes, activities and captions that the mappings write.

/// The version of ATT&CK whose names the bundled list carries.
pub const ATTACK_VERSION: &str = "18.1";
