/**
 * The result of `work`, or an error once `ms` have passed. The work itself goes on: a late result is handed to `late`,
 * a late failure is dropped.
 */
export async function withDeadline<T>(
  work: Promise<T>,
  ms: number,
  tooLate: () => Error,
  late: (result: T) => void = () => undefined,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let expired = false;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      expired = true;
      reject(tooLate());
    }, ms);
  });
  work.then(
    (result) => {
      if (expired) late(result);
    },
    () => undefined,
  );
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
