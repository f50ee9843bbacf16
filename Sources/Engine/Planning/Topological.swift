import Model

/// Steps in an order in which each comes after what it needs; stable otherwise.
func topological(_ steps: [Step]) -> [Step] {
  var places: [StepID: Int] = [:]
  for (place, step) in steps.enumerated() where places[step.id] == nil { places[step.id] = place }
  var unmet = Array(repeating: 0, count: steps.count)
  var dependents: [[Int]] = Array(repeating: [], count: steps.count)
  for (place, step) in steps.enumerated() {
    for need in step.needs {
      guard let earlier = places[need] else { continue }
      unmet[place] += 1
      dependents[earlier].append(place)
    }
  }
  // The last is the one that stands first in `steps`.
  var ready = steps.indices.filter { unmet[$0] == 0 }.reversed() as [Int]
  var order: [Int] = []
  while let place = ready.popLast() {
    order.append(place)
    for later in dependents[place] {
      unmet[later] -= 1
      guard unmet[later] == 0 else { continue }
      let index = ready.partitioned { $0 > later }
      ready.insert(later, at: index)
    }
  }
  // What needs itself in a circle stays as it is, at the end.
  if order.count < steps.count { order += steps.indices.filter { unmet[$0] > 0 } }
  return order.map { steps[$0] }
}

extension [Int] {
  /// The index of the first element that is not so, where all that are stand before all that are not.
  fileprivate func partitioned(where isBefore: (Int) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) / 2
      if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
