//===- Codes.cpp - Results in blocks of 8-bit codes -------------------------------------===//
//
// The largest number of a block must be known before its first code. Where a kernel does nothing but store elements, a group computes as many of them as the
// largest block has into its memory, and encodes them from there: one pass over memory. Any other kernel leaves its numbers in the workspace for a kernel of
// their own. Blocks divide 4,096, so that no two groups meet in one.
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Device.h"

using namespace mlir;

namespace gradus {

/// The numbers of f32 that a group has room for.
static constexpr int64_t mostNumbers = 2048;
/// The threads whose numbers one of them compares.
static constexpr int64_t compared = 16;

static BlocksType typeOf(EncodeOp op) { return cast<BlocksType>(op.getType().getElementType()); }

/// The elements that a group encodes at a time: whole blocks, and as many as it has threads.
static int64_t chunkOf(BlocksType type) { return std::max<int64_t>(type.getSize(), groupSize); }

static int64_t chunkOf(const KernelInfo &info) {
  int64_t chunk = groupSize;
  for (auto [index, op] : info.encodes)
    chunk = std::max(chunk, chunkOf(typeOf(op)));
  return chunk;
}

bool ThreadEmitter::encodesAtOnce(const KernelInfo &info) {
  return !info.encodes.empty() && info.isFlat && info.reductions.empty() && static_cast<int64_t>(info.encodes.size()) * chunkOf(info) <= mostNumbers;
}

namespace {

/// What the threads of a group tell each other about a block: its largest numbers, as integers and with the highest bit flipped.
struct BlockMemory {
  explicit BlockMemory(CodeBuilder &code) {
    for (auto [own, few] : llvm::zip_equal(found, foundByFew)) {
      own = emitGroupMemory(code, code.getI32Type(), groupSize);
      few = emitGroupMemory(code, code.getI32Type(), groupSize / compared);
    }
  }
  std::array<Value, 2> found, foundByFew;
};

/// The threads of a group that encode a block together; a block of fewer elements than the group has threads has as many threads.
class BlockTeam {
public:
  BlockTeam(CodeBuilder &code, Scope &scope, BlocksType type, const BlockMemory &memory)
      : code(code), type(type), memory(memory), thread(scope.thread), size(std::min<int64_t>(type.getSize(), groupSize)),
        team(code.div(thread, code.i64(size))), member(code.rem(thread, code.i64(size))) {}
  /// The elements [first, end), of which a chunk begins at `first`; `load` gives the bits of an element. All threads of a group come by.
  void emit(Value base, Value first, Value end, function_ref<Value(Value number)> load);

private:
  EncodeForm findForm(Value start, Value end, function_ref<Value(Value)> load);
  void forOwn(Value start, Value end, function_ref<void(Value)> then);

  CodeBuilder &code;
  BlocksType type;
  const BlockMemory &memory;
  Value thread;
  int64_t size;
  Value team, member;
};

} // namespace

/// The elements of the block at `start` that are this thread's.
void BlockTeam::forOwn(Value start, Value end, function_ref<void(Value)> then) {
  for (int64_t k = 0; k < static_cast<int64_t>(type.getSize()); k += size) {
    Value number = code.add(start, code.add(member, code.i64(k)));
    code.ifThen(code.compare(arith::CmpIPredicate::slt, number, end), [&] { then(number); });
  }
}

EncodeForm BlockTeam::findForm(Value start, Value end, function_ref<Value(Value)> load) {
  Value none = code.i32(0), flip = code.i32(INT32_MIN);
  std::array<Value, 2> largest = {none, flip};
  for (int64_t k = 0; k < static_cast<int64_t>(type.getSize()); k += size) {
    Value number = code.add(start, code.add(member, code.i64(k))), isThere = code.compare(arith::CmpIPredicate::slt, number, end);
    Value bits = code.choose(code.getI32Type(), isThere, [&] { return load(number); }, [&] { return none; });
    largest = {code.max(largest[0], bits), code.max(largest[1], arith::XOrIOp::create(code, bits, flip))};
  }
  auto combine = [&](Value from, Value low, int64_t count) {
    Value most = loadGroup(code, from, low, code.getI32Type());
    for (int64_t k = 1; k < count; ++k)
      most = code.max(most, loadGroup(code, from, code.add(low, code.i64(k)), code.getI32Type()));
    return most;
  };
  for (auto [to, own] : llvm::zip_equal(memory.found, largest))
    storeGroup(code, to, thread, own);
  emitBarrier(code);
  code.ifThen(code.compare(arith::CmpIPredicate::slt, thread, code.i64(groupSize / compared)), [&] {
    for (auto [own, few] : llvm::zip_equal(memory.found, memory.foundByFew))
      storeGroup(code, few, thread, combine(own, code.mul(thread, code.i64(compared)), compared));
  });
  emitBarrier(code);
  Value low = code.mul(team, code.i64(size / compared));
  return decideForm(code, combine(memory.foundByFew[0], low, size / compared), combine(memory.foundByFew[1], low, size / compared));
}

void BlockTeam::emit(Value base, Value first, Value end, function_ref<Value(Value number)> load) {
  int64_t together = groupSize / size, blocks = chunkOf(type) / static_cast<int64_t>(type.getSize());
  code.loop(code.i64(0), code.i64(blocks / together), 1, {}, [&](Value round, ValueRange) {
    Value block = code.add(code.mul(round, code.i64(together)), team), start = code.add(first, code.mul(block, code.i64(type.getSize())));
    EncodeForm form = findForm(start, end, load);
    Value scale = addressOfScale(code, base, type, start), hasBlock = code.compare(arith::CmpIPredicate::slt, start, end);
    Value isFirst = code.compare(arith::CmpIPredicate::eq, member, code.i64(0));
    code.ifThen(arith::AndIOp::create(code, isFirst, hasBlock), [&] { LLVM::StoreOp::create(code, form.stored, scale, BlocksType::scaleBytes); });
    Value codes = code.byteAddress(scale, BlocksType::scaleBytes);
    forOwn(start, end, [&](Value number) {
      code.storeElement(codes, code.getI8Type(), code.sub(number, start), encodeNumbers(code, load(number), form));
    });
    emitBarrier(code); // before the next round finds other numbers there
    return SmallVector<Value>();
  });
}

void ThreadEmitter::emitEncoded() {
  int64_t chunk = chunkOf(info);
  Value low = code.mul(scope.group, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), evaluator.product(info.domain));
  for (size_t k = 0; k < info.encodes.size(); ++k)
    numbers.push_back(emitGroupMemory(code, code.getF32Type(), chunk));
  BlockMemory memory(code);
  code.loop(low, high, chunk, {}, [&](Value first, ValueRange) {
    firstNumber = first;
    Value end = code.min(code.add(first, code.i64(chunk)), high);
    code.loop(code.add(first, scope.thread), end, groupSize, {}, [&](Value number, ValueRange) {
      emitStep({Point{Index::uniform(number)}}, {});
      return SmallVector<Value>();
    });
    emitBarrier(code);
    for (auto [encode, from] : llvm::zip_equal(info.encodes, numbers)) {
      BlocksType type = typeOf(encode.second);
      auto load = [&, from = from](Value number) -> Value {
        return arith::BitcastOp::create(code, code.getI32Type(), loadGroup(code, from, code.sub(number, first), code.getF32Type()));
      };
      BlockTeam team(code, scope, type, memory);
      code.loop(code.i64(0), code.i64(chunk), chunkOf(type), {}, [&, output = outputs[encode.first]](Value part, ValueRange) {
        team.emit(output, code.add(first, part), end, load);
        return SmallVector<Value>();
      });
    }
    return SmallVector<Value>();
  });
  firstNumber = {};
}

/// The codes of what a kernel has left in the workspace.
void DeviceLowering::emitEncode(Location loc, EncodeOp op, Cell from, Cell to) {
  BlocksType type = typeOf(op);
  SmallVector<Attribute> shape(op.getType().getShape());
  auto groups = [shape](Evaluator &evaluator) { return evaluator.code.ceilDiv(evaluator.product(shape), blockSize); };
  emitLaunch("encode", loc, Grid::Units, groups, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Evaluator evaluator(code, scope.buffers);
    Value low = code.mul(scope.group, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), evaluator.product(shape));
    Value source = pointerIn(scope, from), base = pointerIn(scope, to);
    BlockMemory memory(code);
    BlockTeam team(code, scope, type, memory);
    code.loop(low, high, chunkOf(type), {}, [&](Value first, ValueRange) {
      team.emit(base, first, high, [&](Value number) { return code.loadElement(source, code.getI32Type(), number); });
      return SmallVector<Value>();
    });
  });
}

} // namespace gradus
