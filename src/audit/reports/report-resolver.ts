import { Arg, Ctx, Directive, Field, ID, ObjectType, Query, Resolver } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import type { GovernedCoordinate } from '../../governance/govern';
import { type RequestContext, requireClient } from '../../identity/request-context';
import { scopeOf } from '../entries/entry-resolver';
import { write } from './report';
import { ReportKind, type Reports } from './reports';

@ObjectType({ simpleResolvers: true })
class AuditReportFact {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;
}

@ObjectType({ simpleResolvers: true })
class AuditReportSheet {
  @Field(() => String)
  title: string;

  @Field(() => [String])
  columns: readonly string[];

  @Field(() => [[String]])
  rows: ReadonlyArray<readonly string[]>;
}

@ObjectType({ description: 'A report, as data and as files.', simpleResolvers: true })
class AuditReport {
  @Field(() => String)
  title: string;

  @Field(() => String, { description: 'What it answers to.' })
  basis: string;

  @Field(() => DateTime)
  generatedAt: Date;

  @Field(() => [AuditReportFact])
  facts: readonly AuditReportFact[];

  @Field(() => [AuditReportSheet])
  sheets: readonly AuditReportSheet[];

  @Field(() => String)
  json: string;

  @Field(() => String, { description: 'RFC 4180.' })
  csv: string;

  @Field(() => String, { description: 'A page to print.' })
  html: string;
}

/** Reports for privacy officers and auditors, about the client that the token names. */
@Resolver()
export class ReportResolver {
  constructor(
    private readonly reports: Reports,
    private readonly coordinates: () => readonly GovernedCoordinate[],
  ) {}

  @Query(() => AuditReport, { description: 'A report out of the audit ledger, about the client that the token names.' })
  async auditReport(
    @Directive('@nonPersonal(because: "a kind of report")') @Arg('kind', () => ReportKind) kind: ReportKind,
    @Ctx() context: RequestContext,
    @Arg('customerId', () => ID, { nullable: true }) customerId?: string,
    @Arg('from', () => DateTime, { nullable: true }) from?: Date,
    @Arg('to', () => DateTime, { nullable: true }) to?: Date,
  ): Promise<AuditReport> {
    scopeOf(context);
    const { id: client } = requireClient(context);
    const report = await this.reports.make({ kind, client, customerId, from, to }, this.coordinates());
    return {
      ...report,
      facts: report.facts.map(([name, value]) => ({ name, value })),
      json: write(report, 'json'),
      csv: write(report, 'csv'),
      html: write(report, 'html'),
    };
  }
}
