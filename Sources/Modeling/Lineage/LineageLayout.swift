/// Boxes in layers from left to right, so that what is read stands left of what reads it and few lines cross.
///
/// Source: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system structures" (1981): layers by
/// longest path, stand-ins where a line passes a layer, and a few sweeps that order each layer by its neighbours' mean.
package struct LineageLayout: Sendable {
  package struct Box: Sendable {
    package var x: Double
    package var y: Double
    package var width: Double
    package var height: Double
  }

  /// One for each size given.
  package private(set) var boxes: [Box]
  /// For each line, the heights at which it passes the layers between its ends, left to right, with those layers' x and
  /// widths.
  package private(set) var passages: [[Box]]
  package private(set) var width = 0.0
  package private(set) var height = 0.0

  /// Places boxes of `sizes`; each line goes from a box (by index) to one that reads it, and there is no circle.
  package init(
    sizes: [(width: Double, height: Double)], lines: [(from: Int, to: Int)], columnGap: Double = 70, rowGap: Double = 18
  ) {
    let count = sizes.count
    var layer = [Int](repeating: 0, count: count)
    // As many rounds as the longest path has lines.
    for _ in 0..<max(1, count) {
      var isChanged = false
      for line in lines where layer[line.to] < layer[line.from] + 1 {
        layer[line.to] = layer[line.from] + 1
        isChanged = true
      }
      if !isChanged { break }
    }
    // What reads nothing stands next to its first reader, and not far from it.
    for index in 0..<count where !lines.contains(where: { $0.to == index }) {
      if let nearest = lines.filter({ $0.from == index }).map({ layer[$0.to] }).min() { layer[index] = nearest - 1 }
    }
    var heights = sizes.map(\.height)
    var segments: [(from: Int, to: Int)] = []
    var standIns: [[Int]] = []
    for line in lines {
      var chain: [Int] = []
      var previous = line.from
      for between in (layer[line.from] + 1)..<max(layer[line.from] + 1, layer[line.to]) {
        layer.append(between)
        heights.append(6)
        chain.append(heights.count - 1)
        segments.append((previous, heights.count - 1))
        previous = heights.count - 1
      }
      segments.append((previous, line.to))
      standIns.append(chain)
    }
    var layers = [[Int]](repeating: [], count: (layer.max() ?? 0) + 1)
    for index in heights.indices { layers[layer[index]].append(index) }
    var before: [Int: [Int]] = [:]
    var after: [Int: [Int]] = [:]
    for segment in segments {
      before[segment.to, default: []].append(segment.from)
      after[segment.from, default: []].append(segment.to)
    }
    var place = [Double](repeating: 0, count: heights.count)
    func number(_ level: Int) {
      for (position, index) in layers[level].enumerated() { place[index] = Double(position) }
    }
    for level in layers.indices { number(level) }
    for sweep in 0..<12 {
      let neighbours = sweep % 2 == 0 ? before : after
      for level in sweep % 2 == 0 ? Array(layers.indices) : layers.indices.reversed() {
        let mean = layers[level].map { index in
          let list = neighbours[index] ?? []
          return list.isEmpty ? place[index] : list.reduce(0) { $0 + place[$1] } / Double(list.count)
        }
        layers[level] = zip(layers[level], mean).sorted { $0.1 < $1.1 }.map(\.0)
        number(level)
      }
    }
    // Heights: stacked, then each layer pulled towards its neighbours' middle as far as order allows.
    var y = [Double](repeating: 0, count: heights.count)
    for level in layers {
      var top = 0.0
      for index in level {
        y[index] = top
        top += heights[index] + rowGap
      }
    }
    for sweep in 0..<8 {
      let neighbours = sweep % 2 == 0 ? before : after
      for level in sweep % 2 == 0 ? Array(layers.indices) : layers.indices.reversed() {
        var bottom = -Double.infinity
        for index in layers[level] {
          let list = neighbours[index] ?? []
          let wanted =
            list.isEmpty
            ? y[index] : list.reduce(0) { $0 + y[$1] + heights[$1] / 2 } / Double(list.count) - heights[index] / 2
          y[index] = max(wanted, bottom)
          bottom = y[index] + heights[index] + rowGap
        }
      }
    }
    let top = y.min() ?? 0
    var left: [Double] = []
    var widths: [Double] = []
    var x = 0.0
    for level in layers {
      let wide = level.map { $0 < count ? sizes[$0].width : 0 }.max() ?? 0
      left.append(x)
      widths.append(wide)
      x += wide + columnGap
    }
    boxes = (0..<count).map {
      Box(x: left[layer[$0]], y: y[$0] - top, width: sizes[$0].width, height: heights[$0])
    }
    passages = standIns.map { chain in
      chain.map { Box(x: left[layer[$0]], y: y[$0] - top, width: widths[layer[$0]], height: heights[$0]) }
    }
    width = max(0, x - columnGap)
    height = (heights.indices.map { y[$0] - top + heights[$0] }.max() ?? 0)
  }
}
