//===- ProductUnit.cpp - The code that multiplies matrices -----------------------===//
//
// For 128 elements of the inner axis at a time: the part of B is packed, so that its rows are vectors one after the other that stay in the first cache;
// then each tile of Y takes its sums in registers, each element one after the other with fused multiply-adds, and they are added to Y.
// A tile that reaches over the last row repeats it, one that reaches over the last column has whatever: neither is stored.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Product.h"

#include "codegen/cpu/Compile.h"

using namespace mlir;

namespace gradus {

namespace {

/// The side of the squares that are transposed in registers.
constexpr int64_t square = 8;
/// The rows of A that are packed at a time, in cache lines: a multiple of those of a tile.
constexpr int64_t stripVectors = 3;
/// So many rows are done one by one.
constexpr int64_t fewRows = 2;

/// Where a matrix begins, and from one row and from one element of a row to the next.
struct Matrix {
  Value base, row, column;
};
/// The same where the elements of a row lie together.
struct Place {
  Value base, row;
};

/// Builds the functions for one element type.
class UnitBuilder {
public:
  UnitBuilder(CodeBuilder &code, Type element)
      : code(code), element(element), width(productWidth(element)), panelRow(tileVectors * width), stripRows(stripVectors * width),
        ptr(code.ptrType()), i64(code.getI64Type()),
        none(LLVM::LLVMVoidType::get(code.getContext())) {}

  LLVM::LLVMFuncOp getUnit();

private:
  std::string nameOf(StringRef what) const { return ("gradus_product_" + what + (element.isF64() ? "f64" : "f32")).str(); }
  LLVM::LLVMFuncOp getPack();
  LLVM::LLVMFuncOp getCopyRows(int64_t vectors);
  LLVM::LLVMFuncOp getTile(int64_t height, int64_t vectors);
  Value hasWideRegisters(CodeBuilder &code);
  void emitUnit(CodeBuilder &code, ValueRange arguments);
  void emitTiles(CodeBuilder &code, const Place &y, Value isFirst, Value tile, Value rows, Value columns, Value count, const Matrix &a, const Matrix &b);
  void emitPack(CodeBuilder &code, ValueRange arguments);
  void emitCopyRows(CodeBuilder &code, ValueRange arguments, int64_t vectors);
  void emitPackSquares(CodeBuilder &code, ValueRange arguments);
  void emitPackElements(CodeBuilder &code, ValueRange arguments);
  void emitTile(CodeBuilder &code, ValueRange arguments, int64_t height, int64_t vectors);
  void emitAdd(CodeBuilder &code, const Place &y, Value tile, Value rows, Value columns, Value isFirst);

  Type vectorOf(int64_t size) const { return VectorType::get({size}, element); }
  Value mask(CodeBuilder &code, Value count, int64_t size) const {
    Value numbers = arith::ConstantOp::create(code, DenseElementsAttr::get(VectorType::get({size}, i64), ArrayRef(llvm::to_vector(llvm::seq<int64_t>(0, size)))));
    Value bound = LLVM::UndefOp::create(code, VectorType::get({size}, i64));
    bound = LLVM::InsertElementOp::create(code, bound, count, code.i64(0));
    bound = LLVM::ShuffleVectorOp::create(code, bound, bound, SmallVector<int32_t>(size, 0));
    return code.compare(arith::CmpIPredicate::slt, numbers, bound);
  }
  int64_t bytes() const { return element.getIntOrFloatBitWidth() / 8; }
  Value load(CodeBuilder &code, Value base, Value index, int64_t size, Value mask = {}) const {
    Value from = code.address(base, element, index);
    if (!mask)
      return LLVM::LoadOp::create(code, vectorOf(size), from, bytes());
    return LLVM::MaskedLoadOp::create(code, vectorOf(size), from, mask, code.number(vectorOf(size), 0), bytes());
  }
  void store(CodeBuilder &code, Value value, Value base, Value index, Value mask = {}) const {
    Value to = code.address(base, element, index);
    if (mask)
      LLVM::MaskedStoreOp::create(code, value, to, mask, bytes());
    else
      LLVM::StoreOp::create(code, value, to, bytes());
  }
  Value splat(CodeBuilder &code, Value scalar) const {
    Value vector = LLVM::UndefOp::create(code, vectorOf(width));
    vector = LLVM::InsertElementOp::create(code, vector, scalar, code.i64(0));
    return LLVM::ShuffleVectorOp::create(code, vector, vector, SmallVector<int32_t>(width, 0));
  }

  CodeBuilder &code;
  Type element;
  int64_t width, panelRow; ///< elements of a vector, and of a row of B where it is packed
  int64_t stripRows;       ///< the rows of A that are packed at a time, where a column has them together: three cache lines of it
  Type ptr, i64, none;
};

} // namespace

LLVM::LLVMFuncOp UnitBuilder::getUnit() {
  return getShared(code, nameOf(""), none, {i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64},
                   [&](CodeBuilder &inside, ValueRange arguments) { emitUnit(inside, arguments); });
}

/// void (panel, count, columns, b, bInner, bColumn)
LLVM::LLVMFuncOp UnitBuilder::getPack() {
  return getShared(code, nameOf("pack_"), none, {ptr, i64, i64, ptr, i64, i64}, [&](CodeBuilder &inside, ValueRange arguments) { emitPack(inside, arguments); });
}

/// void (to, count, columns, from, fromRow)
LLVM::LLVMFuncOp UnitBuilder::getCopyRows(int64_t vectors) {
  return getShared(code, nameOf("copy_" + std::to_string(vectors) + "_"), none, {ptr, i64, i64, ptr, i64},
                   [&](CodeBuilder &inside, ValueRange arguments) { emitCopyRows(inside, arguments, vectors); });
}

/// void (to, toRow, adds, rows, count, a, aRow, aInner, b, bInner): the sums become what stands at `to`, or are added to it.
LLVM::LLVMFuncOp UnitBuilder::getTile(int64_t height, int64_t vectors) {
  std::string what = "tile_" + std::to_string(height) + "x" + std::to_string(vectors) + "_";
  return getShared(code, nameOf(what), none, {ptr, i64, code.getI1Type(), i64, i64, ptr, i64, i64, ptr, i64},
                   [&](CodeBuilder &inside, ValueRange arguments) { emitTile(inside, arguments, height, vectors); });
}

/// Whether the machine has registers for a tile of two vectors; `translateToLLVM` knows.
Value UnitBuilder::hasWideRegisters(CodeBuilder &code) {
  Type i8 = code.getI8Type();
  auto module = code.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(wideRegistersName)) {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(code, i8, /*isConstant=*/true, LLVM::Linkage::Internal, wideRegistersName, code.getI8IntegerAttr(0));
  }
  Value known = code.loadRaw(i8, LLVM::AddressOfOp::create(code, ptr, wideRegistersName));
  return code.compare(arith::CmpIPredicate::ne, known, code.integer(i8, 0));
}

void UnitBuilder::emitUnit(CodeBuilder &code, ValueRange arguments) {
  Value rows = arguments[0], columns = arguments[1], inner = arguments[2], y = arguments[9], yRow = arguments[10];
  Matrix a{arguments[3], arguments[4], arguments[5]}, b{arguments[6], arguments[7], arguments[8]};
  Value panels = code.stackSlot(element, productBlock * unitVectors * width), strip = code.stackSlot(element, productBlock * stripRows);
  Value tile = code.stackSlot(element, tileRows * panelRow), zero = code.i64(0), one = code.i64(1);
  auto both = [&](Value x, Value y) { return arith::AndIOp::create(code, x, y).getResult(); };
  auto negate = [&](Value x) { return arith::XOrIOp::create(code, x, code.number(code.getI1Type(), 1)).getResult(); };
  auto is = [&](arith::CmpIPredicate predicate, Value x, Value y) { return code.compare(predicate, x, y); };
  // Few rows do not pay for packing.
  Value readsB = both(is(arith::CmpIPredicate::eq, b.column, one), is(arith::CmpIPredicate::sle, rows, code.i64(tileRows)));
  Value isColumnOfA = both(is(arith::CmpIPredicate::eq, a.row, one), is(arith::CmpIPredicate::ne, a.column, one));
  Value packsA = both(isColumnOfA, is(arith::CmpIPredicate::sgt, rows, code.i64(2 * tileRows)));
  // A panel is [count, panelRow]; the last one may have fewer columns and is packed in any case.
  auto forPanels = [&](function_ref<void(Value column, Value own, Value isPacked)> body) {
    code.loop(zero, columns, panelRow, {}, [&](Value column, ValueRange) {
      Value own = code.min(code.sub(columns, column), code.i64(panelRow));
      Value isRead = both(readsB, is(arith::CmpIPredicate::eq, own, code.i64(panelRow)));
      body(column, own, negate(isRead));
      return SmallVector<Value>();
    });
  };
  auto panelAt = [&](Value column) { return code.address(panels, element, code.mul(column, code.i64(productBlock))); };
  Value blocks = code.max(code.ceilDiv(inner, productBlock), one); // a sum of nothing is stored, too
  code.loop(zero, blocks, [&](Value block) {
    Value first = code.mul(block, code.i64(productBlock)), count = code.min(code.sub(inner, first), code.i64(productBlock));
    Value isFirst = is(arith::CmpIPredicate::eq, block, zero);
    Value fromA = code.address(a.base, element, code.mul(first, a.column)), fromB = code.address(b.base, element, code.mul(first, b.row));
    auto columnOfB = [&](Value column) { return code.address(fromB, element, code.mul(column, b.column)); };
    forPanels([&](Value column, Value own, Value isPacked) {
      code.ifThen(isPacked, [&] { LLVM::CallOp::create(code, getPack(), ValueRange{panelAt(column), count, own, columnOfB(column), b.row, b.column}); });
    });
    code.loop(zero, rows, stripRows, {}, [&](Value top, ValueRange) {
      Value height = code.min(code.sub(rows, top), code.i64(stripRows)), ownA = code.address(fromA, element, code.mul(top, a.row));
      code.ifThen(packsA, [&] { LLVM::CallOp::create(code, getCopyRows(stripVectors), ValueRange{strip, count, height, ownA, a.column}); });
      Matrix stripOfA{code.select(packsA, strip, ownA), a.row, code.select(packsA, code.i64(stripRows), a.column)};
      forPanels([&](Value column, Value own, Value isPacked) {
        Matrix panel{code.select(isPacked, panelAt(column), columnOfB(column)), code.select(isPacked, code.i64(panelRow), b.row), one};
        Value to = code.address(y, element, code.add(code.mul(top, yRow), column));
        code.loop(zero, height, tileRows, {}, [&](Value row, ValueRange) {
          Value few = code.min(code.sub(height, row), code.i64(tileRows));
          Matrix tileOfA{code.address(stripOfA.base, element, code.mul(row, a.row)), a.row, stripOfA.column};
          Place place{code.address(to, element, code.mul(row, yRow)), yRow};
          emitTiles(code, place, isFirst, tile, few, own, count, tileOfA, panel);
          return SmallVector<Value>();
        });
      });
      return SmallVector<Value>();
    });
  });
}

/// At most `tileRows` rows and all columns of a panel: row by row where there are few, else all rows at once, for one vector of columns or two. Sums that
/// are not all stored go by way of `tile`.
void UnitBuilder::emitTiles(CodeBuilder &code, const Place &y, Value isFirst, Value tile, Value rows, Value columns, Value count, const Matrix &a, const Matrix &b) {
  Value zero = code.i64(0), never = code.number(code.getI1Type(), 0);
  auto call = [&](int64_t height, int64_t vectors, const Place &to, Value adds, Value row, Value column) {
    Value place = code.address(to.base, element, code.add(code.mul(row, to.row), column));
    Value fromA = code.address(a.base, element, code.mul(row, a.row)), fromB = code.address(b.base, element, column);
    LLVM::CallOp::create(code, getTile(height, vectors), ValueRange{place, to.row, adds, rows, count, fromA, a.row, a.column, fromB, b.row});
    return SmallVector<Value>();
  };
  auto is = [&](arith::CmpIPredicate predicate, Value x, int64_t y) { return code.compare(predicate, x, code.i64(y)); };
  auto either = [&](Value condition, function_ref<void()> then, function_ref<void()> otherwise) {
    auto branch = scf::IfOp::create(code, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    then();
    code.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  };
  Place own{tile, code.i64(panelRow)};
  auto vectorByVector = [&](int64_t height, const Place &to, Value adds, Value row) {
    code.loop(zero, columns, width, {}, [&](Value column, ValueRange) { return call(height, 1, to, adds, row, column); });
  };
  Value isWhole = arith::AndIOp::create(code, is(arith::CmpIPredicate::eq, rows, tileRows), is(arith::CmpIPredicate::eq, columns, panelRow));
  Value adds = arith::XOrIOp::create(code, isFirst, code.number(code.getI1Type(), 1));
  Value hasWide = hasWideRegisters(code);
  either(
      isWhole,
      [&] {
        either(hasWide, [&] { call(tileRows, tileVectors, y, adds, zero, zero); }, [&] { vectorByVector(tileRows, y, adds, zero); });
      },
      [&] {
        Value isWide = arith::AndIOp::create(code, hasWide, is(arith::CmpIPredicate::sgt, columns, width));
        either(
            is(arith::CmpIPredicate::sle, rows, fewRows), [&] { code.loop(zero, rows, [&](Value row) { vectorByVector(1, own, never, row); }); },
            [&] { either(isWide, [&] { call(tileRows, tileVectors, own, never, zero, zero); }, [&] { vectorByVector(tileRows, own, never, zero); }); });
        emitAdd(code, y, tile, rows, columns, isFirst);
      });
}

/// Y = tile, or Y + tile.
void UnitBuilder::emitAdd(CodeBuilder &code, const Place &y, Value tile, Value rows, Value columns, Value isFirst) {
  code.loop(code.i64(0), columns, width, {}, [&](Value column, ValueRange) {
    Value within = mask(code, code.sub(columns, column), width);
    code.loop(code.i64(0), rows, [&](Value row) {
      Value sum = load(code, tile, code.add(code.mul(row, code.i64(panelRow)), column), width), to = code.add(code.mul(row, y.row), column);
      sum = code.choose(
          sum.getType(), isFirst, [&] { return sum; }, [&] { return arith::AddFOp::create(code, load(code, y.base, to, width, within), sum).getResult(); });
      store(code, sum, y.base, to, within);
    });
    return SmallVector<Value>();
  });
}

/// panel[k, j] = b[k, j] for the columns of whole vectors; what lies behind the last column is a number that nobody needs.
void UnitBuilder::emitPack(CodeBuilder &code, ValueRange arguments) {
  Value bInner = arguments[4], bColumn = arguments[5], one = code.i64(1);
  auto branch = scf::IfOp::create(code, code.compare(arith::CmpIPredicate::eq, bColumn, one), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToStart(branch.thenBlock());
  LLVM::CallOp::create(code, getCopyRows(tileVectors), ValueRange{arguments[0], arguments[1], arguments[2], arguments[3], bInner});
  code.setInsertionPointToStart(branch.elseBlock());
  auto other = scf::IfOp::create(code, code.compare(arith::CmpIPredicate::eq, bInner, one), /*withElseRegion=*/true);
  code.setInsertionPointToStart(other.thenBlock());
  emitPackSquares(code, arguments);
  code.setInsertionPointToStart(other.elseBlock());
  emitPackElements(code, arguments);
}

void UnitBuilder::emitCopyRows(CodeBuilder &code, ValueRange arguments, int64_t vectors) {
  Value to = arguments[0], count = arguments[1], columns = arguments[2], from = arguments[3], fromRow = arguments[4];
  SmallVector<Value> masks;
  for (int64_t j = 0; j < vectors; ++j)
    masks.push_back(mask(code, code.sub(columns, code.i64(j * width)), width));
  code.loop(code.i64(0), count, [&](Value row) {
    Value read = code.mul(row, fromRow), written = code.mul(row, code.i64(vectors * width));
    for (auto [j, within] : llvm::enumerate(masks)) {
      Value column = code.i64(static_cast<int64_t>(j) * width);
      store(code, load(code, from, code.add(read, column), width, within), to, code.add(written, column));
    }
  });
}

/// The rows and columns of a square change places: halves of pairs at distance 1, then 2 and 4.
static void transpose(CodeBuilder &code, SmallVector<Value> &rows) {
  for (int64_t distance = 1; distance < square; distance *= 2) {
    SmallVector<int32_t> low, high;
    for (int64_t j = 0; j < square; ++j) {
      bool isUpper = j & distance;
      low.push_back(static_cast<int32_t>(isUpper ? square + j - distance : j));
      high.push_back(static_cast<int32_t>(isUpper ? square + j : j + distance));
    }
    for (int64_t i = 0; i < square; ++i) {
      if (i & distance)
        continue;
      Value upper = rows[i], lower = rows[i + distance];
      rows[i] = LLVM::ShuffleVectorOp::create(code, upper, lower, low);
      rows[i + distance] = LLVM::ShuffleVectorOp::create(code, upper, lower, high);
    }
  }
}

void UnitBuilder::emitPackSquares(CodeBuilder &code, ValueRange arguments) {
  Value panel = arguments[0], rows = arguments[1], columns = arguments[2], b = arguments[3], bColumn = arguments[5];
  Value wide = code.mul(code.ceilDiv(columns, width), code.i64(width)), last = code.sub(columns, code.i64(1));
  code.loop(code.i64(0), wide, square, {}, [&](Value column, ValueRange) {
    SmallVector<Value> lines;
    for (int64_t j = 0; j < square; ++j)
      lines.push_back(code.address(b, element, code.mul(code.min(code.add(column, code.i64(j)), last), bColumn)));
    code.loop(code.i64(0), rows, square, {}, [&](Value row, ValueRange) {
      Value within = mask(code, code.sub(rows, row), square);
      SmallVector<Value> values = llvm::map_to_vector(lines, [&](Value line) { return load(code, line, row, square, within); });
      transpose(code, values);
      for (auto [k, value] : llvm::enumerate(values))
        store(code, value, panel, code.add(code.mul(code.add(row, code.i64(static_cast<int64_t>(k))), code.i64(panelRow)), column));
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

void UnitBuilder::emitPackElements(CodeBuilder &code, ValueRange arguments) {
  Value panel = arguments[0], rows = arguments[1], columns = arguments[2], b = arguments[3], bInner = arguments[4], bColumn = arguments[5];
  code.loop(code.i64(0), rows, [&](Value row) {
    code.loop(code.i64(0), columns, [&](Value column) {
      Value value = code.loadElement(b, element, code.add(code.mul(row, bInner), code.mul(column, bColumn)));
      code.storeElement(panel, element, code.add(code.mul(row, code.i64(panelRow)), column), value);
    });
  });
}

void UnitBuilder::emitTile(CodeBuilder &code, ValueRange arguments, int64_t height, int64_t vectors) {
  Value to = arguments[0], toRow = arguments[1], adds = arguments[2], rows = arguments[3], count = arguments[4];
  Value a = arguments[5], aRow = arguments[6], aInner = arguments[7], b = arguments[8], bInner = arguments[9], last = code.sub(rows, code.i64(1));
  SmallVector<Value> lines{a};
  for (int64_t i = 1; i < height; ++i)
    lines.push_back(code.address(a, element, code.mul(code.min(code.i64(i), last), aRow)));
  SmallVector<Value> start(height * vectors, code.number(vectorOf(width), 0));
  start.append(2, code.i64(0));
  scf::ForOp loop = code.loop(code.i64(0), count, 1, start, [&](Value, ValueRange carried) {
    Value inA = carried.end()[-2], inB = carried.back();
    SmallVector<Value> columns, next;
    for (int64_t j = 0; j < vectors; ++j)
      columns.push_back(load(code, b, code.add(inB, code.i64(j * width)), width));
    for (Value line : lines) {
      Value factor = splat(code, code.loadElement(line, element, inA));
      for (Value column : columns)
        next.push_back(LLVM::FMAOp::create(code, factor, column, carried[next.size()]));
    }
    next.append({code.add(inA, aInner), code.add(inB, bInner)});
    return next;
  });
  auto forVectors = [&](function_ref<void(Value sum, Value place)> body) {
    for (int64_t i = 0; i < height; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        body(loop.getResult(i * vectors + j), code.add(code.mul(code.i64(i), toRow), code.i64(j * width)));
  };
  auto branch = scf::IfOp::create(code, adds, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToStart(branch.thenBlock());
  forVectors([&](Value sum, Value place) { store(code, arith::AddFOp::create(code, load(code, to, place, width), sum), to, place); });
  code.setInsertionPointToStart(branch.elseBlock());
  forVectors([&](Value sum, Value place) { store(code, sum, to, place); });
}

LLVM::LLVMFuncOp getProductUnit(CodeBuilder &code, Type element) { return UnitBuilder(code, element).getUnit(); }

} // namespace gradus
