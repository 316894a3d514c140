/// A place for each worker or each task of a parallel loop: written by the one thread that has it, read after the loop.
///
/// An array does not do: who reads one element may hold the array for an instant, and who writes another then writes it
/// to a copy.
package final class Slots<Value>: @unchecked Sendable {
  // @unchecked: indices are disjoint between threads, and the pool's end of job orders writes before reads.
  private let places: UnsafeMutablePointer<Value?>
  private let count: Int

  /// All places are empty.
  package init(count: Int) {
    self.count = count
    places = UnsafeMutablePointer.allocate(capacity: count)
    places.initialize(repeating: nil, count: count)
  }

  deinit {
    places.deinitialize(count: count)
    places.deallocate()
  }

  package subscript(index: Int) -> Value? {
    get {
      precondition(index >= 0 && index < count, "no such slot")
      return places[index]
    }
    set {
      precondition(index >= 0 && index < count, "no such slot")
      places[index] = newValue
    }
  }

  /// What is there, by index.
  package var values: [Value] { (0..<count).compactMap { places[$0] } }
}
