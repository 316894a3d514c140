import CKernels

/// The process's heap.
package enum Heap {
  /// Gives memory that is free, but kept for later, back to the system: for a process that works now and then.
  package static func release() { ph_release_heap() }
}
