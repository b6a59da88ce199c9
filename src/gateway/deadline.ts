/**
 * The result of `work`, or an error once `ms` have passed. The work itself goes on: a late result is handed to `late`,
 * a late failure is dropped.
 */
export function withDeadline<T>(
  work: Promise<T>,
  ms: number,
  tooLate: () => Error,
  late: (result: T) => void = () => undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      reject(tooLate());
    }, ms);
    work.then(
      (result) => {
        clearTimeout(timer);
        if (expired) late(result);
        else resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
