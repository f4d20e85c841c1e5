//! Training. (lead)
