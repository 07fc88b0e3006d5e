/**
 * The finite set of inputs on which a network is a function.
 *
 * @module
 */
import { checkInteger, checkOptions, show } from "../engine/checks.ts";

/** Given points, row-major. */
export interface PointsOptions {
  /** `[points][features]`, row-major; finite. */
  readonly data: ArrayLike<number>;
  /** Number of points; `data.length` is points times features. */
  readonly points: number;
}

/** All 2^n Boolean inputs, or given points. Plain data: it crosses to workers. */
export interface Points {
  readonly kind: "boolean" | "points";
  /** Number of points m, the length of a function. */
  readonly count: number;
  readonly features: number;
  /** The points `[count][features]`, row-major. */
  values(): Float32Array<ArrayBuffer>;
  /** SHA-256 of the values, of points that are known by it alone. */
  readonly digest?: string;
}

/** The most bits of a Boolean function, 2^10 = 1024 inputs. */
export const MAXIMUM_BITS = 10;
/** The most points. */
export const MAXIMUM_POINTS = 1024;

/** All 2^n inputs {0,1}^n; input `i` has bit `j` = (i >> (n-1-j)) & 1: the order of a truth table. */
export function booleanPoints(n: number): Points {
  return {
    kind: "boolean",
    count: 2 ** n,
    features: n,
    values() {
      const data = new Float32Array(n * 2 ** n);
      for (let i = 0, k = 0; i < 2 ** n; i++) for (let j = n - 1; j >= 0; j--) data[k++] = (i >> j) & 1;
      return data;
    },
  };
}

/** Given points, checked. */
export function givenPoints(options: PointsOptions, features: number): Points {
  checkOptions("inputs", options, ["data", "points"]);
  const count = checkInteger("inputs.points", options.points, 1, MAXIMUM_POINTS);
  const { data } = options;
  if (typeof data !== "object" || data === null || typeof data.length !== "number") {
    throw new TypeError(`inputs.data: expected an array of numbers, got ${show(data)}`);
  }
  if (data.length !== count * features) {
    throw new RangeError(
      `inputs.data: expected ${count} points x ${features} features = ${count * features} numbers, got ${data.length}`,
    );
  }
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    values[i] = data[i];
    if (!Number.isFinite(values[i])) {
      throw new RangeError(`inputs.data[${i}]: expected a finite number within f32, got ${show(data[i])}`);
    }
  }
  return { kind: "points", count, features, values: () => values };
}

/** Points as a file describes them: given ones by their number and digest, without their values. */
export function pointsOfKind(
  inputs: { readonly kind: "boolean" } | { readonly kind: "points"; readonly points: number; readonly sha256: string },
  features: number,
): Points {
  if (inputs.kind === "boolean") {
    if (features > MAXIMUM_BITS) {
      throw new RangeError(`layers[0]: expected 1 to ${MAXIMUM_BITS} Boolean inputs, got ${features}`);
    }
    return booleanPoints(features);
  }
  return {
    kind: "points",
    count: inputs.points,
    features,
    values: () => {
      throw new Error("inputs: the values of the points are not in the file of the table");
    },
    digest: inputs.sha256,
  };
}
