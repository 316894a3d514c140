import Bytes
import Kernels
import Planning
import Vectors

extension ScalarFunction {
  /// Applies the function's kernel to `arguments`, each of `count` rows.
  ///
  /// - Throws: `.user` for values the function refuses, `.unsupported` for what it cannot do, by name.
  func apply(
    _ arguments: [Vector], type: LogicalType, count: Int, _ context: EvaluationContext
  ) throws -> Vector {
    switch self {
    case .add: return try Arithmetic.binary(.add, arguments[0], arguments[1], type, zone: context.zone)
    case .subtract: return try Arithmetic.binary(.subtract, arguments[0], arguments[1], type, zone: context.zone)
    case .multiply: return try Arithmetic.binary(.multiply, arguments[0], arguments[1], type)
    case .divide: return try Arithmetic.binary(.divide, arguments[0], arguments[1], type)
    case .modulo: return try Arithmetic.binary(.modulo, arguments[0], arguments[1], type)
    case .bitAnd: return try Arithmetic.binary(.bitAnd, arguments[0], arguments[1], type)
    case .bitOr: return try Arithmetic.binary(.bitOr, arguments[0], arguments[1], type)
    case .bitXor: return try Arithmetic.binary(.bitXor, arguments[0], arguments[1], type)
    case .shiftLeft: return try Arithmetic.binary(.shiftLeft, arguments[0], arguments[1], type)
    case .shiftRight: return try Arithmetic.binary(.shiftRight, arguments[0], arguments[1], type)
    case .negate: return try Arithmetic.negate(arguments[0])
    case .abs: return try Arithmetic.abs(arguments[0])
    case .bitNot: return try Arithmetic.bitNot(arguments[0])
    case .concatenate: return try TextFunctions.concatenate(arguments[0], arguments[1])
    case .like: return try Like.match(arguments, count: count, ignoringCase: false)
    case .ilike: return try Like.match(arguments, count: count, ignoringCase: true)
    case .timezone:
      // PostgreSQL's function has the zone first, the bound operator has it second; the types tell which.
      let isZoneFirst = arguments[0].type.physical == .string || arguments[0].type == .interval
      return try TemporalFunctions.atZone(
        arguments[isZoneFirst ? 0 : 1], arguments[isZoneFirst ? 1 : 0], session: context.zone)

    case .floor: return try MathFunctions.rounded(arguments[0], .floor)
    case .ceil: return try MathFunctions.rounded(arguments[0], .ceil)
    case .round: return try rounded(arguments, .round)
    case .trunc: return try rounded(arguments, .truncate)
    case .sign: return try MathFunctions.sign(arguments[0])
    case .sqrt: return try MathFunctions.unary(.sqrt, arguments[0])
    case .cbrt: return try MathFunctions.unary(.cbrt, arguments[0])
    case .power: return try MathFunctions.power(arguments[0], arguments[1], type)
    case .exp: return try MathFunctions.unary(.exp, arguments[0])
    case .ln: return try MathFunctions.unary(.ln, arguments[0])
    case .log10: return try MathFunctions.unary(.log10, arguments[0])
    case .log:
      if arguments.count == 1 { return try MathFunctions.unary(.log10, arguments[0]) }
      return try MathFunctions.log(base: arguments[0], arguments[1])
    case .pi: return .constant(.double, .double(.pi), count: count)
    case .degrees: return try MathFunctions.unary(.degrees, arguments[0])
    case .radians: return try MathFunctions.unary(.radians, arguments[0])
    case .sin: return try MathFunctions.unary(.sin, arguments[0])
    case .cos: return try MathFunctions.unary(.cos, arguments[0])
    case .tan: return try MathFunctions.unary(.tan, arguments[0])
    case .cot: return try MathFunctions.unary(.cot, arguments[0])
    case .asin: return try MathFunctions.unary(.asin, arguments[0])
    case .acos: return try MathFunctions.unary(.acos, arguments[0])
    case .atan: return try MathFunctions.unary(.atan, arguments[0])
    case .atan2: return try MathFunctions.atan2(arguments[0], arguments[1])
    case .sinh: return try MathFunctions.unary(.sinh, arguments[0])
    case .cosh: return try MathFunctions.unary(.cosh, arguments[0])
    case .tanh: return try MathFunctions.unary(.tanh, arguments[0])
    case .asinh: return try MathFunctions.unary(.asinh, arguments[0])
    case .acosh: return try MathFunctions.unary(.acosh, arguments[0])
    case .atanh: return try MathFunctions.unary(.atanh, arguments[0])
    case .sind: return try DegreeFunctions.sine(arguments[0])
    case .cosd: return try DegreeFunctions.cosine(arguments[0])
    case .tand: return try DegreeFunctions.tangent(arguments[0])
    case .cotd: return try DegreeFunctions.cotangent(arguments[0])
    case .asind: return try DegreeFunctions.arcsine(arguments[0])
    case .acosd: return try DegreeFunctions.arccosine(arguments[0])
    case .atand: return DegreeFunctions.arctangent(arguments[0])
    case .atan2d: return DegreeFunctions.arctangent(arguments[0], arguments[1])
    case .scale: return NumericScale.scale(arguments[0])
    case .minScale: return NumericScale.minimum(arguments[0])
    case .trimScale: return NumericScale.trimmed(arguments[0])
    case .gcd: return try MathFunctions.gcd(arguments[0], arguments[1], type, isMultiple: false)
    case .lcm: return try MathFunctions.gcd(arguments[0], arguments[1], type, isMultiple: true)
    case .div: return try MathFunctions.div(arguments[0], arguments[1])
    case .factorial: return try MathFunctions.factorial(arguments[0])
    case .widthBucket: return try MathFunctions.widthBucket(arguments, count: count)
    case .greatest: return try MathFunctions.extreme(arguments, isGreatest: true, type)
    case .least: return try MathFunctions.extreme(arguments, isGreatest: false, type)

    case .length: return TextFunctions.length(arguments[0])
    case .octetLength: return TextFunctions.octetLength(arguments[0])
    case .upper: return LetterCase.upper(arguments[0])
    case .lower: return LetterCase.lower(arguments[0])
    case .initcap: return LetterCase.initcap(arguments[0])
    case .substring:
      if arguments[0].type == .bytea { return try ByteFunctions.substring(arguments, count: count) }
      return try TextFunctions.substring(arguments, count: count)
    case .left: return try TextFunctions.left(arguments, count: count)
    case .right: return try TextFunctions.right(arguments, count: count)
    case .trim: return try TextFunctions.trim(arguments, count: count, start: true, end: true)
    case .trimLeft: return try TextFunctions.trim(arguments, count: count, start: true, end: false)
    case .trimRight: return try TextFunctions.trim(arguments, count: count, start: false, end: true)
    case .position: return TextFunctions.position(arguments[0], arguments[1])
    case .replace: return try TextFunctions.replace(arguments, count: count)
    case .translate: return try TextFunctions.translate(arguments, count: count)
    case .splitPart: return try TextFunctions.splitPart(arguments, count: count)
    case .leftPad: return try TextFunctions.pad(arguments, count: count, isLeft: true)
    case .rightPad: return try TextFunctions.pad(arguments, count: count, isLeft: false)
    case .repeat: return try TextFunctions.repeat(arguments, count: count)
    case .reverse: return TextFunctions.reverse(arguments[0])
    case .startsWith: return TextFunctions.startsWith(arguments[0], arguments[1])
    case .ascii: return TextFunctions.ascii(arguments[0])
    case .chr: return try TextFunctions.chr(arguments[0])
    case .md5: return Digest.md5(arguments[0])
    case .sha224: return Digest.sha224(arguments[0])
    case .sha256: return Digest.sha256(arguments[0])
    case .sha384: return Digest.sha384(arguments[0])
    case .sha512: return Digest.sha512(arguments[0])
    case .encode: return try ByteText.encode(arguments, count: count)
    case .decode: return try ByteText.decode(arguments, count: count)
    case .format: return try Formatting.format(arguments, count: count)
    case .formatArray: return try Formatting.formatArray(arguments[0], arguments[1], count: count)
    case .parseIdentifier: return try IdentifierText.parse(arguments, count: count)
    case .unicodeEscapes: return try UnicodeEscapes.resolve(arguments[0])
    case .sizeBytes: return try SizeReading.read(arguments[0])
    case .quoteLiteral: return Formatting.quoteLiteral(arguments[0])
    case .quoteIdentifier: return Formatting.quoteIdentifier(arguments[0])
    case .concat: return TextFunctions.concat(arguments, count: count)
    case .concatWithSeparator: return TextFunctions.concatWithSeparator(arguments, count: count)
    case .regexMatch, .regexpLike: return try RegexFunctions.matches(arguments, count: count, ignoringCase: false)
    case .regexMatchInsensitive: return try RegexFunctions.matches(arguments, count: count, ignoringCase: true)
    case .regexpReplace: return try RegexFunctions.replace(arguments, count: count)
    case .regexpCount: return try RegexFunctions.count(arguments, count: count)
    case .regexpInstr: return try RegexFunctions.position(arguments, count: count)
    case .regexpSubstr: return try RegexFunctions.part(arguments, count: count, isSubstring: false)
    case .substringRegex: return try RegexFunctions.part(arguments, count: count, isSubstring: true)
    case .similarPattern: return try RegexFunctions.similar(arguments, count: count)
    case .toNumber: return try NumberReading.read(arguments[0], arguments[1])
    case .getByte: return try ByteFunctions.get(arguments[0], arguments[1], isBit: false)
    case .getBit: return try ByteFunctions.get(arguments[0], arguments[1], isBit: true)
    case .setByte: return try ByteFunctions.set(arguments, count: count, isBit: false)
    case .setBit: return try ByteFunctions.set(arguments, count: count, isBit: true)
    case .bitCount: return ByteFunctions.bitCount(arguments[0])
    case .convertFrom: return try ByteFunctions.convert(arguments[0], arguments[1], to: .text)
    case .convertTo: return try ByteFunctions.convert(arguments[0], arguments[1], to: .bytea)
    case .toHex: return try TextFunctions.toHex(arguments[0])

    case .dateTrunc:
      if arguments.count == 3 {
        return try TemporalFunctions.truncate(arguments[0], arguments[1], zone: arguments[2])
      }
      return try TemporalFunctions.truncate(arguments[0], arguments[1], type, zone: context.zone)
    case .extract: return try TemporalFunctions.part(arguments[0], arguments[1], type, zone: context.zone)
    case .datePart: return try TemporalFunctions.part(arguments[0], arguments[1], .double, zone: context.zone)
    case .dateBin: return try TemporalFunctions.bin(arguments[0], arguments[1], arguments[2])
    case .age:
      if arguments.count == 1 { return try TemporalFunctions.age(arguments[0], now: context.now) }
      return try TemporalFunctions.age(arguments[0], arguments[1], zone: context.zone)
    case .makeDate: return try TemporalFunctions.makeDate(arguments)
    case .makeTime: return try TemporalFunctions.makeTime(arguments)
    case .makeTimestamp: return try TemporalFunctions.makeTimestamp(arguments, type)
    case .makeInterval: return try TemporalFunctions.makeInterval(arguments, count: count)
    case .toTimestamp:
      if arguments.count == 1 { return try TemporalFunctions.fromEpoch(arguments[0]) }
      return try TemplateFunctions.parse(arguments[0], arguments[1], type, zone: context.zone)
    case .toChar: return try TemplateFunctions.format(arguments[0], arguments[1], zone: context.zone)
    case .toDate: return try TemplateFunctions.parse(arguments[0], arguments[1], .date)
    case .justifyDays: return try TemporalFunctions.justify(arguments[0], days: true, hours: false)
    case .justifyHours: return try TemporalFunctions.justify(arguments[0], days: false, hours: true)
    case .justifyInterval: return try TemporalFunctions.justify(arguments[0], days: true, hours: true)
    case .isFinite: return try TemporalFunctions.isFinite(arguments[0])
    case .roundSeconds: return try TemporalFunctions.roundSeconds(arguments[0], digits: arguments[1])
    case .readInterval:
      guard count > 0 else { return .nulls(type, count: 0) }
      guard case .integer(let mask) = arguments[1].scalar(at: 0) else { return .nulls(type, count: count) }
      return try TemporalFunctions.readInterval(arguments[0], fields: IntervalFields(mask: mask))
    case .now: return .constant(.timestamptz, .integer(context.now), count: count)

    case .jsonGet: return try JSONFunctions.part(arguments[0], arguments[1], asText: false, type)
    case .jsonGetText: return try JSONFunctions.part(arguments[0], arguments[1], asText: true, type)
    case .jsonPath: return try JSONFunctions.path(arguments[0], arguments[1], asText: false, type)
    case .jsonPathExists: return try JSONPathFunctions.exists(arguments, count: count, isOperator: false)
    case .jsonPathExistsOperator: return try JSONPathFunctions.exists(arguments, count: count, isOperator: true)
    case .jsonPathMatch: return try JSONPathFunctions.matches(arguments, count: count, isOperator: false)
    case .jsonPathMatchOperator: return try JSONPathFunctions.matches(arguments, count: count, isOperator: true)
    case .jsonPathQueryArray: return try JSONPathFunctions.array(arguments, count: count)
    case .jsonPathQueryFirst: return try JSONPathFunctions.first(arguments, count: count)
    case .jsonPathInput: return try JSONPathFunctions.normalize(arguments[0])
    case .jsonPathText: return try JSONFunctions.path(arguments[0], arguments[1], asText: true, type)
    case .jsonContains: return try JSONFunctions.contains(arguments[0], arguments[1])
    case .jsonHasKey: return try JSONFunctions.hasKey(arguments[0], arguments[1], .one)
    case .jsonHasAny: return try JSONFunctions.hasKey(arguments[0], arguments[1], .any)
    case .jsonHasAll: return try JSONFunctions.hasKey(arguments[0], arguments[1], .all)
    case .jsonConcatenate: return try JSONFunctions.concatenate(arguments[0], arguments[1])
    case .jsonRemove: return try JSONFunctions.remove(arguments[0], arguments[1])
    case .jsonTypeOf: return try JSONFunctions.typeName(arguments[0])
    case .jsonArrayLength: return try JSONFunctions.arrayLength(arguments[0])
    case .jsonPretty: return try JSONFunctions.rewrite(arguments[0], .pretty, type)
    case .jsonStripNulls: return try JSONFunctions.rewrite(arguments[0], .withoutNulls, type)
    case .toJSON: return try JSONFunctions.make(arguments[0], type, zone: context.zone)
    case .jsonSet: return try JSONFunctions.set(arguments, count: count)
    case .jsonInsert: return try JSONFunctions.insert(arguments, count: count)
    case .jsonRemovePath: return try JSONFunctions.removePath(arguments[0], arguments[1])
    case .jsonObject: return try JSONFunctions.object(arguments, type, count: count)
    case .jsonBuildArray: return try JSONFunctions.buildArray(arguments, type, count: count, zone: context.zone)
    case .jsonRow: return try JSONFunctions.buildRow(arguments, count: count, zone: context.zone)
    case .jsonLines: return try JSONFunctions.lines(arguments[0])
    case .jsonBuildObject: return try JSONFunctions.buildObject(arguments, type, count: count, zone: context.zone)
    case .rowPath:
      return try RowPath.append(
        arguments[0], Array(arguments.dropFirst()), count: count, now: context.now, zone: context.zone)
    case .rowDepth:
      return try RowPath.below(
        arguments[0], Array(arguments.dropFirst()), count: count, now: context.now, zone: context.zone)
    case .rowPathContains:
      return try RowPath.contains(arguments[0], Array(arguments.dropFirst()), count: count, now: context.now)
    case .makeRow: return try RowText.make(arguments, type, count: count, zone: context.zone)
    case .makeArray: return ArrayFunctions.make(arguments, type, count: count)
    case .arrayElement: return try ArrayFunctions.element(arguments[0], arguments[1], type, now: context.now)
    case .arraySlice: return try ArrayFunctions.slice(arguments, type, count: count)
    case .arrayLength: return try ArrayFunctions.length(arguments[0], arguments[1], isLower: false)
    case .arrayLower: return try ArrayFunctions.length(arguments[0], arguments[1], isLower: true)
    case .cardinality: return try ArrayFunctions.cardinality(arguments[0])
    case .arrayToString: return try ArrayFunctions.join(arguments, count: count)
    case .stringToArray: return try ArrayFunctions.split(arguments, count: count)
    case .arrayConcatenate: return try ArrayFunctions.concatenate(arguments[0], arguments[1], type)
    case .arrayAppend: return try ArrayFunctions.add(arguments[0], arguments[1], isFirst: false, type)
    case .arrayPrepend: return try ArrayFunctions.add(arguments[1], arguments[0], isFirst: true, type)
    case .arrayPosition: return try ArrayFunctions.position(arguments, count: count, now: context.now)
    case .arrayRemove: return try ArrayFunctions.remove(arguments[0], arguments[1], type, now: context.now)
    case .arrayPositions: return try ArrayFunctions.positions(arguments[0], arguments[1], now: context.now)
    case .arrayReplace: return try ArrayFunctions.replace(arguments, type, count: count, now: context.now)
    case .assignElement: return try ArrayFunctions.assignElement(arguments, type, count: count)
    case .assignSlice: return try ArrayFunctions.assignSlice(arguments, type, count: count)
    case .assignJSON: return try JSONFunctions.assign(arguments, count: count)
    case .arrayFill: return try ArrayFunctions.fill(arguments[0], arguments[1], type, count: count)
    case .arrayTrim: return try ArrayFunctions.trim(arguments[0], arguments[1], type)
    case .widthBucketArray: return try ArrayFunctions.widthBucket(arguments[0], arguments[1])
    case .jsonOrder: return try JSONFunctions.order(arguments[0])
    case .arrayOrder: return try ArrayFunctions.order(arguments[0], now: context.now)
    case .withOrder: return try OrderedValue.make(arguments[0], now: context.now)
    case .withoutOrder: return OrderedValue.value(of: arguments[0], type)
    case .arrayContains: return try ArrayFunctions.contains(arguments[0], arguments[1], now: context.now)
    case .arrayOverlaps: return try ArrayFunctions.overlaps(arguments[0], arguments[1], now: context.now)
    case .quantified:
      guard count > 0 else { return .nulls(type, count: 0) }
      guard case .text(let symbol) = arguments[2].scalar(at: 0), case .boolean(let isAny) = arguments[3].scalar(at: 0)
      else { throw PulsehouseError(.internal, "ANY without an operator") }
      return try ArrayFunctions.quantified(arguments[0], arguments[1], symbol, isAny: isAny, now: context.now)
    case .regexpMatch: return try ArrayFunctions.match(arguments, count: count)
    case .regexpSplitToArray: return try ArrayFunctions.regexSplit(arguments, count: count)
    case .nextValue: return try SequenceFunctions.next(arguments[0], count: count, context)
    case .currentValue: return try SequenceFunctions.current(arguments[0], count: count, context)
    case .lastValue: return try SequenceFunctions.last(count: count, context)
    case .setValue: return try SequenceFunctions.set(arguments, count: count, context)
    case .objectName: return arguments[0]
    case .sleep: return try SleepFunction.sleep(arguments[0], count: count, context)
    case .random: return RandomValues.doubles(count: count)
    case .randomUUID: return RandomValues.uuids(count: count)
    case .hash: return Hash.bigint(arguments, count: count)
    case .sample: return RandomValues.samples(of: arguments[0], seed: arguments[1])
    case .raise:
      guard count > 0 else { return .nulls(type, count: 0) }
      let words = arguments.map { TextFormat.string($0.scalar(at: 0), $0.type) ?? "NULL" }
      throw PulsehouseError(.user, words[0], sqlState: words[1])
    }
  }

  private func rounded(_ arguments: [Vector], _ rounding: MathFunctions.Rounding) throws -> Vector {
    if arguments.count == 1 { return try MathFunctions.rounded(arguments[0], rounding) }
    return try MathFunctions.rounded(arguments[0], digits: arguments[1], rounding)
  }
}
