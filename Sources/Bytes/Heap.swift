import CKernels

/// The process's heap.
package enum Heap {
  /// Gives memory that is free, but kept for later, back to the system, column buffers' included: for a process that
  /// works now and then.
  package static func release() { ph_release_heap() }

  /// From now on large pieces of memory go back to the system when they are freed: for a process that runs for weeks and
  /// is handed pieces of all sizes, of which the allocator would keep more and more for later.
  package static func keepSmall() { ph_keep_heap_small() }
}
