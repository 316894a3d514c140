/// The least and the greatest of integers as they lie in memory.
enum IntegerBounds {
  /// Finds both in one pass without a branch. `count` is at least 1.
  @inline(__always) static func of<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafePointer<T>, _ count: Int
  ) -> (least: T, greatest: T) {
    var (least, greatest) = (values[0], values[0])
    var row = 1
    while row < count {
      let value = values[row]
      least = value < least ? value : least
      greatest = value > greatest ? value : greatest
      row &+= 1
    }
    return (least, greatest)
  }
}
