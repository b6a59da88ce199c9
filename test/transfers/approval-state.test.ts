import {
  type Course,
  historyOf,
  type OfficerAction,
  pastState,
  type Side,
  stateAt,
} from '../../src/transfers/approval-state';

const act = (at: number, action: OfficerAction, side: Side = 'CLIENT', principal = `${side}@${at}`) => ({
  sequence: at,
  at,
  action,
  side,
  principal,
  reason: `because ${at}`,
});
const course = (more: Partial<Course>): Course => ({
  events: [act(1, 'REQUESTED'), act(2, 'APPROVED')],
  validFrom: 10,
  validUntil: 20,
  deciders: ['CLIENT'],
  suspensions: [],
  ...more,
});

test.each<[string, Partial<Course>, number, string | undefined]>([
  ['before it was asked for', {}, 0, undefined],
  ['asked for', {}, 1, 'REQUESTED'],
  ['approved for later', {}, 2, 'APPROVED'],
  ['its first moment', {}, 10, 'ACTIVE'],
  ['its last moment', {}, 19, 'ACTIVE'],
  ['its end', {}, 20, 'EXPIRED'],
  ['without an end', { validUntil: null }, 1e15, 'ACTIVE'],
  ['a request nobody decided in time', { events: [act(1, 'REQUESTED')] }, 20, 'EXPIRED'],
  ['rejected', { events: [act(1, 'REQUESTED'), act(2, 'REJECTED')] }, 30, 'REJECTED'],
  ['suspended', { events: [act(1, 'REQUESTED'), act(2, 'APPROVED'), act(12, 'SUSPENDED')] }, 12, 'SUSPENDED'],
  ['the moment before', { events: [act(1, 'REQUESTED'), act(2, 'APPROVED'), act(12, 'SUSPENDED')] }, 11, 'ACTIVE'],
  [
    'resumed',
    { events: [act(1, 'REQUESTED'), act(2, 'APPROVED'), act(12, 'SUSPENDED'), act(14, 'RESUMED')] },
    14,
    'ACTIVE',
  ],
  ['revoked', { events: [act(1, 'REQUESTED'), act(2, 'APPROVED'), act(12, 'REVOKED')] }, 25, 'REVOKED'],
  ['one of two sides', { deciders: ['CLIENT', 'PLATFORM'] }, 12, 'REQUESTED'],
  [
    'both sides',
    {
      deciders: ['CLIENT', 'PLATFORM'],
      events: [act(1, 'REQUESTED'), act(2, 'APPROVED'), act(11, 'APPROVED', 'PLATFORM')],
    },
    11,
    'ACTIVE',
  ],
  ['its basis suspended', { suspensions: [{ from: 12, to: 15, by: 'platform', reason: 'annulled' }] }, 12, 'SUSPENDED'],
  ['its basis reinstated', { suspensions: [{ from: 12, to: 15, by: 'platform', reason: 'annulled' }] }, 15, 'ACTIVE'],
])('T2: %s', (_, more, at, state) => {
  expect(pastState(course(more), at)).toBe(state);
  // From the last act on, that is the state that counts.
  const acted = (more.events ?? course({}).events).every((event) => event.at <= at);
  if (acted) expect(stateAt(course(more), at)).toBe(state);
});

test.each<OfficerAction>(['SUSPENDED', 'REVOKED', 'REJECTED'])(
  'T2: an approval that is %s by a clock that is ahead carries nothing any more',
  (action) => {
    const stopped = course({ events: [act(1, 'REQUESTED'), act(2, 'APPROVED'), act(7_200_012, action)] });
    expect(stateAt(stopped, 12)).toBe(action);
    expect(historyOf(stopped, 12).at(-1)).toMatchObject({ action });
  },
);

test('history tells who, when and why, and what came with time', () => {
  const told = course({
    events: [act(1, 'REQUESTED'), act(2, 'APPROVED'), act(16, 'SUSPENDED'), act(17, 'RESUMED')],
    suspensions: [{ from: 12, to: 15, by: 'platform', reason: 'annulled' }],
  });
  const lines = (now: number) => historyOf(told, now).map(({ at, action, state }) => `${at} ${action} ${state}`);
  expect(lines(100)).toEqual([
    '1 REQUESTED REQUESTED',
    '2 APPROVED APPROVED',
    '10 BEGAN ACTIVE',
    '12 BASIS_SUSPENDED SUSPENDED',
    '15 BASIS_REINSTATED ACTIVE',
    '16 SUSPENDED SUSPENDED',
    '17 RESUMED ACTIVE',
    '20 EXPIRED EXPIRED',
  ]);
  expect(lines(11)).toEqual(lines(100).filter((line) => !/^1[25] BASIS|^20/.test(line)));
  expect(historyOf(told, 1)[0]).toEqual({
    at: 1,
    action: 'REQUESTED',
    state: 'REQUESTED',
    principal: 'CLIENT@1',
    reason: 'because 1',
  });
});

test('what was rejected or revoked neither begins nor expires', () => {
  const actions = (events: Course['events']) => historyOf(course({ events }), 100).map(({ action }) => action);
  expect(actions([act(1, 'REQUESTED'), act(2, 'REJECTED')])).toEqual(['REQUESTED', 'REJECTED']);
  expect(actions([act(1, 'REQUESTED'), act(2, 'APPROVED'), act(3, 'REVOKED')])).toEqual([
    'REQUESTED',
    'APPROVED',
    'REVOKED',
  ]);
});
